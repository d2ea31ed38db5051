// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/snapshot_api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/agent/unit/fake_recorder.h"
#include "tests/agent/unit/temporary_folder.h"
#include "tests/analysis/watched_host.h"

namespace vmflow::test {
namespace {

using Json = nlohmann::json;
constexpr auto kLong = std::chrono::seconds(60);
constexpr const char* kJson = "application/json";

/// Three VMs, two of which have the same name.
struct Serving {
  explicit Serving(bool enable_admin_api = true, uint32_t per_hour = 100,
                   const std::string& mode = "flight")
      : host(3) {
    Config config;
    config.trace.dir = folder.path() + "/snapshots";
    config.trace.min_free_mib = 0;
    config.trace.per_hour = per_hour;
    config.trace.mode = mode;
    triggers = std::make_unique<Triggers>(
        config, std::make_unique<FakeRecorder>(trace),
        TriggerClock{[this] { return host.now_ns(); }, [] { return 1'700'000'000.0; }});
    host.vm(1).name = host.vm(2).name = "twin";
    triggers->tick(host.pass());
    triggers->tick(host.pass());
    api = std::make_unique<SnapshotApi>(*triggers, enable_admin_api);
  }
  void wait() { ASSERT_TRUE(const_cast<TriggerLoop&>(triggers->loop()).wait_until_idle(kLong)); }
  void hold() {
    const std::lock_guard lock(trace->mutex);
    trace->held = true;
  }

  TemporaryFolder folder;
  std::shared_ptr<FakeTrace> trace = std::make_shared<FakeTrace>();
  WatchedHost host;
  std::unique_ptr<Triggers> triggers;
  std::unique_ptr<SnapshotApi> api;
};

Json json_of(const HttpAnswer& answer) {
  return Json::parse(answer.json);
}

std::string alerts(const std::vector<std::pair<std::string, std::string>>& status_and_vm) {
  Json body{{"version", "4"}, {"status", "firing"}, {"alerts", Json::array()}};
  for (const auto& [status, vm] : status_and_vm)
    body["alerts"].push_back({{"status", status},
                              {"labels", {{"alertname", "VmflowVMReadyHigh"}, {"vm", vm}}},
                              {"annotations", {{"summary", "it is slow"}}}});
  return body.dump();
}

TEST(SnapshotApi, a_snapshot_is_accepted_listed_and_told) {
  Serving serving;
  const auto taken = serving.api->take(kJson, R"({"reason": "slow", "vm": "vm-0000"})");
  EXPECT_EQ(taken.status, 202) << taken.json;
  const auto id = json_of(taken)["id"].get<std::string>();
  serving.wait();
  const auto list = json_of(serving.api->list());
  ASSERT_EQ(list["snapshots"].size(), 1u);
  EXPECT_EQ(list["snapshots"][0]["id"], id);
  EXPECT_EQ(list["snapshots"][0]["state"], "complete");
  const auto one = serving.api->get(id);
  EXPECT_EQ(one.status, 200);
  EXPECT_EQ(json_of(one)["reason"], "slow");
  EXPECT_EQ(json_of(one)["details"]["vm"]["id"], "vm-0000");
  EXPECT_EQ(json_of(one)["details"]["trigger"], "http");
  EXPECT_FALSE(json_of(one)["details"]["numbers"]["during"].is_null());
}

TEST(SnapshotApi, without_the_flag_nothing_is_written_and_the_flag_is_named) {
  Serving serving(false);
  for (const auto& answer : {serving.api->take(kJson, "{}"), serving.api->alertmanager("{}")}) {
    EXPECT_EQ(answer.status, 403);
    EXPECT_NE(answer.json.find("--web.enable-admin-api"), std::string::npos);
  }
  EXPECT_EQ(serving.api->list().status, 200);
  EXPECT_EQ(serving.trace->saves, 0);
}

TEST(SnapshotApi, a_vm_is_found_by_its_id_or_by_a_name_of_its_own) {
  Serving serving;
  EXPECT_EQ(serving.api->take(kJson, R"({"vm": "name of 0"})").status, 202);
  serving.wait();
  EXPECT_EQ(serving.api->take(kJson, R"({"vm": "vm-0001"})").status, 202);
  serving.wait();
  EXPECT_EQ(serving.api->take(kJson, R"({"vm": "twin"})").status, 404);
  EXPECT_EQ(serving.api->take(kJson, R"({"vm": "../../etc"})").status, 404);
  EXPECT_EQ(serving.api->take(kJson, "{}").status, 202) << "of the whole host";
}

TEST(SnapshotApi, a_body_that_is_wrong_is_refused) {
  Serving serving;
  for (const auto* body : {"", "{", "[]", "1", R"({"vm": 3})", R"({"vms": "x"})", "\xff"})
    EXPECT_EQ(serving.api->take(kJson, body).status, 400) << body;
  EXPECT_EQ(serving.api->take("text/plain", "{}").status, 415) << "a form of another site";
  EXPECT_EQ(serving.api->take("application/json; charset=utf-8", "{}").status, 202);
}

TEST(SnapshotApi, each_refusal_has_its_status_and_reason) {
  Serving serving(true, 2);
  serving.hold();
  EXPECT_EQ(serving.api->take(kJson, "{}").status, 202);
  const auto busy = serving.api->take(kJson, R"({"vm": "vm-0000"})");
  EXPECT_EQ(busy.status, 409);
  EXPECT_EQ(json_of(busy)["reason"], "busy");
  serving.trace->release();
  serving.wait();
  const auto cool = serving.api->take(kJson, "{}");
  EXPECT_EQ(cool.status, 429);
  EXPECT_EQ(json_of(cool)["reason"], "cooldown");
  EXPECT_GT(cool.retry_after_seconds, 0u);
  EXPECT_EQ(serving.api->take(kJson, R"({"vm": "vm-0000"})").status, 202);
  serving.wait();
  const auto rate = serving.api->take(kJson, R"({"vm": "vm-0001"})");
  EXPECT_EQ(rate.status, 429);
  EXPECT_EQ(json_of(rate)["reason"], "rate");
}

TEST(SnapshotApi, off_says_so) {
  Serving serving(true, 100, "off");
  const auto off = serving.api->take(kJson, "{}");
  EXPECT_EQ(off.status, 409);
  EXPECT_EQ(json_of(off)["reason"], "off");
  EXPECT_EQ(json_of(serving.api->list())["snapshots"].size(), 0u);
}

TEST(SnapshotApi, what_is_no_snapshot_is_not_found) {
  Serving serving;
  for (const auto* id : {"", "..", "20231114T221320Z-000042", "%2e%2e"})
    EXPECT_EQ(serving.api->get(id).status, 404) << id;
}

TEST(SnapshotApi, a_reason_may_be_anything) {
  Serving serving;
  const auto taken =
      serving.api->take(kJson, Json{{"reason", "</script>\n\"" + std::string(100000, 'x')}}.dump());
  EXPECT_EQ(taken.status, 202);
  serving.wait();
  const auto list = json_of(serving.api->list());
  EXPECT_LE(list["snapshots"][0]["reason"].get<std::string>().size(), 256u);
}

TEST(Alertmanager, firing_alerts_with_a_vm_ask_for_it) {
  Serving serving;
  serving.hold();
  const auto answer = serving.api->alertmanager(alerts({{"resolved", "vm-0001"},
                                                        {"firing", "vm-0000"},
                                                        {"firing", "vm-0002"},
                                                        {"firing", "nobody"},
                                                        {"firing", ""},
                                                        {"firing", "vm-0000"}}));
  EXPECT_EQ(answer.status, 200);
  const auto json = json_of(answer);
  ASSERT_EQ(json["taken"].size(), 1u);
  EXPECT_EQ(json["taken"][0]["vm"], "vm-0000");
  ASSERT_EQ(json["refused"].size(), 2u);
  EXPECT_EQ(json["refused"][0]["reason"], "busy");
  EXPECT_EQ(json["refused"][1]["reason"], "no such VM");
  EXPECT_EQ(json["ignored"], 3);
  serving.trace->release();
  serving.wait();
  const auto one = json_of(serving.api->get(json["taken"][0]["id"]));
  EXPECT_EQ(one["reason"], "alert VmflowVMReadyHigh: it is slow");
  EXPECT_EQ(one["trigger"], "alertmanager");
}

TEST(Alertmanager, what_is_no_webhook_is_refused) {
  Serving serving;
  for (const auto* body :
       {"", "{}", "[]", R"({"version": "3", "alerts": []})", R"({"version": "4"})",
        R"({"version": "4", "alerts": {}})", R"({"version": 4, "alerts": []})"})
    EXPECT_EQ(serving.api->alertmanager(body).status, 400) << body;
}

TEST(Alertmanager, alerts_of_any_shape_are_ignored_not_thrown_at) {
  Serving serving;
  const auto answer = serving.api->alertmanager(
      R"({"version": "4", "alerts": [1, null, [], {}, {"status": 1}, {"status": "firing"},
          {"status": "firing", "labels": []}, {"status": "firing", "labels": {"vm": 1}},
          {"status": "firing", "labels": {"vm": "x"}, "annotations": 1}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json_of(answer)["ignored"], 8);
}

TEST(Alertmanager, the_answer_does_not_grow_with_the_alerts) {
  Serving serving;
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 5000; i++) many.emplace_back("firing", "vm " + std::to_string(i));
  const auto answer = json_of(serving.api->alertmanager(alerts(many)));
  EXPECT_EQ(answer["refused"].size(), 100u);
  EXPECT_EQ(answer["ignored"], 4900);
}

// 0.5 s of every second is far above the floor; the history shows the time before it.
TEST(Triggers, a_rule_that_is_broken_leads_to_a_snapshot_with_its_numbers) {
  Serving serving;
  for (int i = 0; i < 40; i++) serving.triggers->tick(serving.host.pass());
  for (int i = 0; i < 3; i++) {
    serving.host.vm().culprit_ns[FLOW_CULPRIT_OTHER_VM] += ns_of(0.5);
    serving.triggers->tick(serving.host.pass());
  }
  serving.wait();
  const auto list = json_of(serving.api->list());
  ASSERT_EQ(list["snapshots"].size(), 1u);
  const auto details = json_of(serving.api->get(list["snapshots"][0]["id"]))["details"];
  EXPECT_EQ(details["finding"]["rule"], "ready_by_others");
  EXPECT_EQ(details["finding"]["baseline"]["median"], 0);
  EXPECT_FALSE(details["numbers"]["before"]["per_second"].contains("ready.other_vm"));
  EXPECT_EQ(details["numbers"]["during"]["per_second"]["ready.other_vm"], 0.5);
  for (const auto& trigger : serving.triggers->flow().triggers)
    EXPECT_EQ(trigger.fired, trigger.name == "ready_by_others" ? 1u : 0u) << trigger.name;
}

TEST(Triggers, a_vm_that_is_gone_leaves_no_link) {
  Serving serving;
  EXPECT_EQ(serving.api->take(kJson, R"({"vm": "vm-0002"})").status, 202);
  serving.wait();
  EXPECT_EQ(serving.triggers->flow().links.size(), 1u);
  serving.host.model().vms.pop_back();
  serving.triggers->tick(serving.host.pass());
  EXPECT_TRUE(serving.triggers->flow().links.empty());
}

}  // namespace
}  // namespace vmflow::test
