// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/api_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/feature_counters.h"
#include "tests/analysis/hand_made_model.h"

namespace vmflow::test {
namespace {

using Json = nlohmann::json;

Json answer(const FlowModel& model, const std::string& path) {
  const auto text = api_json(model, path);
  return text ? Json::parse(*text) : Json();
}

FlowModel with_culprits() {
  auto model = hand_made_model();
  const auto label = model.vms.at(0).label;
  model.culprits = {{label, FLOW_CULPRIT_OTHER_VM, label, "", 7, 3'000'000'000},
                    {label, FLOW_CULPRIT_HOST_TASK, "", "back\"up", 8, 1'000'000'000}};
  return model;
}

}  // namespace

TEST(ApiJson, every_answer_has_the_version) {
  const auto model = hand_made_model();
  for (const auto& path :
       {std::string("/vms"), std::string("/culprits"), "/vms/" + model.vms.at(0).label})
    EXPECT_EQ(answer(model, path)["version"], kApiVersion) << path;
}

TEST(ApiJson, a_list_has_what_a_reader_of_all_vms_needs) {
  const auto model = with_culprits();
  const auto list = answer(model, "/vms");
  const auto& vm = list["vms"][0];
  const auto& label = model.vms.at(0).label;
  EXPECT_EQ(list["monotonic_seconds"], static_cast<double>(model.now_ns) / 1e9);
  EXPECT_EQ(answer(model, "/vms/" + label)["monotonic_seconds"], list["monotonic_seconds"]);
  EXPECT_EQ(vm["seconds"].size(), FLOW_STATES);
  EXPECT_EQ(vm["wait_seconds"].size(), kWaitReasons);
  uint64_t exits = 0;
  for (const auto& exit : model.vms.at(0).exits) exits += exit.count;
  EXPECT_GT(exits, 0u);
  EXPECT_EQ(vm["exit_count"], exits);
  EXPECT_EQ(vm["verdict"]["cause"], "colocated_vm");
  EXPECT_EQ(vm["verdict"]["share"], 0.2);
  EXPECT_EQ(vm["verdict"]["sentence"], answer(model, "/vms/" + label + "/verdict")["sentence"]);
  EXPECT_EQ(vm["verdict"]["culprit"]["id"], label);
  EXPECT_TRUE(vm["verdict"]["culprit"]["seconds"].is_number());
}

TEST(ApiJson, a_vm_has_a_word_for_what_it_does_and_what_speaks_for_it) {
  auto model = hand_made_model();
  const auto& label = model.vms.at(0).label;
  for (const auto& use :
       {answer(model, "/vms")["vms"][0]["use"], answer(model, "/vms/" + label)["use"]}) {
    EXPECT_EQ(use["kind"], "idle");
    EXPECT_EQ(use["sentence"],
              "0.3 % of a CPU, 12 timer wake-ups a second, no disk, no network for 5 min");
    EXPECT_EQ(use["window_seconds"], 300);
    EXPECT_EQ(use["unused_vcpus"], 0);
  }
  model.vms.at(0).use = {};
  const auto unknown = answer(model, "/vms")["vms"][0]["use"];
  EXPECT_EQ(unknown["kind"], "unknown");
  EXPECT_FALSE(unknown.contains("most_vcpus"));
}

TEST(ApiJson, counters_are_what_features_are_computed_from) {
  auto model = hand_made_model();
  const auto json = answer(model, "/counters");
  EXPECT_EQ(json["monotonic_seconds"], 1000);
  const auto& vm = json["vms"][0];
  EXPECT_EQ(vm["id"], model.vms.at(0).label);
  EXPECT_EQ(vm["pid"], 4711);
  for (const auto& counter : feature_counters())
    EXPECT_TRUE(vm["counters"].contains(counter.name)) << counter.name;
  EXPECT_EQ(vm["counters"]["time_guest"], 10) << "seconds";
  EXPECT_EQ(vm["counters"]["disk_read_bytes"], 45056);
  EXPECT_EQ(vm["counters"]["idle"], 1);
  model.vms.at(0).disk.reset();
  EXPECT_FALSE(answer(model, "/counters")["vms"][0]["counters"].contains("disk_read_bytes"))
      << "not known";
}

TEST(ApiJson, a_list_says_null_where_nobody_held_the_cpu) {
  auto model = hand_made_model();
  model.culprits.clear();
  const auto vm = answer(model, "/vms")["vms"][0];
  ASSERT_TRUE(vm["verdict"].contains("culprit"));
  EXPECT_TRUE(vm["verdict"]["culprit"].is_null());
}

TEST(ApiJson, a_vm_has_every_state_reason_and_culprit) {
  const auto model = hand_made_model();
  const auto vm = answer(model, "/vms/" + model.vms.at(0).label);
  EXPECT_EQ(vm["seconds"].size(), FLOW_STATES);
  EXPECT_EQ(vm["wait_seconds"].size(), kWaitReasons);
  EXPECT_EQ(vm["ready_by_culprit_seconds"].size(), FLOW_CULPRITS - 1) << "interrupts are not told";
  auto telling = model;
  telling.tells_irq = true;
  EXPECT_EQ(answer(telling, "/vms/" + model.vms.at(0).label)["ready_by_culprit_seconds"].size(),
            FLOW_CULPRITS);
}

TEST(ApiJson, a_vm_says_which_vcpu_wakes_which) {
  auto model = hand_made_model();
  model.vms.at(0).wakers = {{1, 0, 7, 2'000'000'000}, {0, std::nullopt, 1, 1'000'000'000}};
  const auto vm = answer(model, "/vms/" + model.vms.at(0).label);
  EXPECT_EQ(vm["wakers"][0], (Json{{"vcpu", 1}, {"by_vcpu", 0}, {"count", 7}, {"seconds", 2.0}}));
  EXPECT_FALSE(vm["wakers"][1].contains("by_vcpu")) << "absent, not a guess";
}

TEST(ApiJson, a_vm_that_runs_guests_has_their_levels) {
  const auto model = hand_made_model();
  const auto vm = answer(model, "/vms/" + model.vms.at(0).label);
  EXPECT_EQ(vm["nested_seconds"]["l1"], 2.0);
  EXPECT_EQ(vm["rest_seconds"], 5.0);
  EXPECT_EQ(vm["nested_exits"]["reflected"], 3999);
  ASSERT_EQ(vm["nested"].size(), 1u);
  const auto& nested = vm["nested"][0];
  EXPECT_EQ(nested["id"], "0x6a6d000");
  EXPECT_EQ(nested["root"], "0x1234000");
  EXPECT_EQ(nested["vmcb12"], Json({"0x6a6d000", "0x6a6e000"}));
  EXPECT_EQ(nested["exits"]["cpuid"]["reflected"], 3001);
  EXPECT_EQ(nested["exits"]["intr"]["handled"], 100);
  EXPECT_EQ(nested["deeper_entries"], 7);
  EXPECT_EQ(nested["age_seconds"], 100.0);
  EXPECT_EQ(nested["idle_seconds"], 1.0);
}

TEST(ApiJson, a_vm_that_runs_none_says_nothing_of_levels) {
  auto model = hand_made_model();
  model.vms.at(0).levels.reset();
  const auto vm = answer(model, "/vms/" + model.vms.at(0).label);
  for (const auto* key : {"nested", "nested_seconds", "rest_seconds"})
    EXPECT_FALSE(vm.contains(key)) << key;
}

TEST(ApiJson, culprits_have_names) {
  const auto model = with_culprits();
  const auto label = model.vms.at(0).label;
  const auto rows = answer(model, "/vms/" + label + "/culprits")["culprits"];
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["culprit"]["id"], label);
  EXPECT_EQ(rows[0]["seconds"], 3.0);
  EXPECT_EQ(rows[1]["culprit"]["task"], "back\"up");
  EXPECT_FALSE(rows[1]["culprit"].contains("id")) << "absent, not empty";
}

TEST(ApiJson, a_verdict_has_what_speaks_for_it) {
  const auto model = with_culprits();
  const auto verdict = answer(model, "/vms/" + model.vms.at(0).label + "/verdict");
  EXPECT_EQ(verdict["version"], kApiVersion);
  EXPECT_EQ(verdict["cause"], "colocated_vm");
  EXPECT_EQ(verdict["seconds"], 6.0);
  EXPECT_EQ(verdict["share"], 0.2);
  EXPECT_EQ(verdict["enough_evidence"], true);
  EXPECT_EQ(verdict["second"]["cause"], "platform");
  EXPECT_EQ(verdict["second"]["seconds"], 1.0);
  EXPECT_EQ(verdict["causes"], (Json{{"own_load", 0.0},
                                     {"guest_contention", 0.0},
                                     {"colocated_vm", 6.0},
                                     {"platform", 1.0},
                                     {"unknown", 0.0}}));
  ASSERT_EQ(verdict["evidence"].size(), 2u);
  EXPECT_EQ(verdict["evidence"][0]["kind"], "cpu_other_vm");
  EXPECT_EQ(verdict["evidence"][1]["kind"], "quota");
  EXPECT_EQ(verdict["culprits"].size(), 2u);
  EXPECT_EQ(verdict["window_seconds"], 30.0);
  EXPECT_EQ(verdict["vcpu_seconds"], 30.0);
}

TEST(ApiJson, a_verdict_on_a_vm_that_nothing_slows_has_no_second_cause) {
  auto model = hand_made_model();
  model.vms.at(0).slowdown.window.ns = {};
  const auto verdict = answer(model, "/vms/" + model.vms.at(0).label + "/verdict");
  EXPECT_EQ(verdict["cause"], "nothing");
  EXPECT_TRUE(verdict["second"].is_null());
  EXPECT_TRUE(verdict["evidence"].empty());
}

TEST(ApiJson, what_is_not_there_has_no_answer) {
  const auto model = hand_made_model();
  for (const auto* path : {"", "/", "/vms/", "/vms/none", "/vms/none/culprits", "/vms/none/verdict",
                           "/vmsx", "/culprits/1"})
    EXPECT_FALSE(api_json(model, path)) << path;
  EXPECT_EQ(Json::parse(api_error("no \"such\" VM"))["error"], "no \"such\" VM");
}

TEST(ApiJson, a_vms_processes_are_those_of_its_process_id) {
  const auto model = hand_made_model();
  const auto& vm = model.vms.at(0);
  const auto path = "/vms/" + vm.label + "/processes";
  ASSERT_TRUE(wants_processes(path));
  GuestProcess process;
  process.key.cr3 = 0x1a2b3000;
  process.certain_ns = 3'000'000'000;
  process.sampled_ns = 1'000'000'000;
  process.first_ns = 2'000'000'000;
  const std::vector<VmProcesses> all = {{.vm = {.tgid = vm.pid + 1, .kvm = 1}, .processes = {}},
                                        {.vm = {.tgid = vm.pid, .kvm = 2}, .processes = {process}}};
  const auto text = api_processes_json(model, path, {all, {}, 1'000'000'000, 11'000'000'000});
  ASSERT_TRUE(text);
  const auto json = Json::parse(*text);
  EXPECT_EQ(json["version"], kApiVersion);
  EXPECT_EQ(json["id"], vm.label);
  EXPECT_EQ(json["window_seconds"], 10);
  EXPECT_EQ(json["coverage_ratio"], 0.75);
  ASSERT_EQ(json["processes"].size(), 1u);
  EXPECT_EQ(json["processes"][0]["process"], "cr3:1a2b3000");
  EXPECT_EQ(json["processes"][0]["guest_seconds"], 4);
  EXPECT_EQ(json["processes"][0]["first_seconds"], 1);
  EXPECT_FALSE(json.contains("nested_vcpus"));
}

TEST(ApiJson, what_the_guests_inside_a_vm_do_is_told_without_registers_too) {
  const auto model = hand_made_model();
  NestedVcpu vcpu{.vmcb12 = 0x7f000, .nested_vm = 0x6f000, .level = 3, .parent = 0x5f000};
  vcpu.state_ns[static_cast<size_t>(NestedState::kRunning)] = 2'000'000'000;
  vcpu.preempted_by_ns[0x4f000] = 500'000'000;
  const std::vector<VmNested> all = {
      {.vm = {.tgid = model.vms.at(0).pid, .kvm = 2}, .vcpus = {vcpu}}};
  const auto text = api_processes_json(model, "/vms/" + model.vms.at(0).label + "/processes",
                                       {.processes = {}, .nested = all});
  ASSERT_TRUE(text);
  const auto json = Json::parse(*text);
  ASSERT_EQ(json["nested_vcpus"].size(), 1u);
  const auto& row = json["nested_vcpus"][0];
  EXPECT_EQ(row["vmcb12"], "0x7f000");
  EXPECT_EQ(row["nested_vm"], "0x6f000");
  EXPECT_EQ(row["level"], 3);
  EXPECT_EQ(row["run_by"], "0x5f000");
  EXPECT_EQ(row["seconds"]["running"], 2);
  EXPECT_EQ(row["preempted_by_seconds"], Json({{"0x4f000", 0.5}}));
  EXPECT_FALSE(json.contains("coverage_ratio"));
}

TEST(ApiJson, without_registers_it_says_what_would_be_needed) {
  const auto model = hand_made_model();
  const auto path = "/vms/" + model.vms.at(0).label + "/processes";
  const auto text = api_processes_json(model, path, {});
  ASSERT_TRUE(text);
  EXPECT_TRUE(Json::parse(*text)["processes"].empty());
  EXPECT_NE(text->find("--trace.registers"), std::string::npos);
  EXPECT_FALSE(api_processes_json(model, "/vms/nobody/processes", {}));
  EXPECT_FALSE(wants_processes("/vms/" + model.vms.at(0).label));
}

}  // namespace vmflow::test
