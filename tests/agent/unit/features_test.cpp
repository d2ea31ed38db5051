// SPDX-License-Identifier: GPL-2.0-only
// Features from looks at an agent and from its log.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "agent/cli/features_live.h"
#include "agent/cli/features_log.h"
#include "agent/cli/features_time.h"

namespace vmflow::test {
namespace {

double value(const FeatureReading& reading, size_t row, const std::string& name) {
  const auto& table = reading.table;
  for (size_t i = 0; i < table.columns.size(); i++)
    if (table.columns[i].name == name) return table.rows.at(row).values.at(i);
  ADD_FAILURE() << "no feature " << name;
  return 0;
}

std::string look(double seconds, double guest, double exits, int pid = 7) {
  return nlohmann::json{{"monotonic_seconds", seconds},
                        {"vms",
                         {{{"id", "u-1"},
                           {"name", "web\n1"},
                           {"pid", pid},
                           {"start_time_unix_seconds", 5},
                           {"counters",
                            {{"time_guest", guest},
                             {"time_halted", seconds - guest},
                             {"time_kvm", 0},
                             {"time_guest_nested", 0},
                             {"time_vmm", 0},
                             {"time_halt_poll", 0},
                             {"time_ready", 0},
                             {"time_throttled", 0},
                             {"time_vmm_blocked", 0},
                             {"time_paused", 0},
                             {"time_unaccounted", 0},
                             {"exits", exits},
                             {"exits_hlt", exits}}}}}}}
      .dump();
}

class FixedAgent : public AgentClient {
 public:
  explicit FixedAgent(HttpAnswer answer) : answer_(std::move(answer)) {}
  Result<HttpAnswer> get(const std::string&) override { return answer_; }
  Result<HttpAnswer> post(const std::string&, const std::string&) override { return answer_; }

 private:
  HttpAnswer answer_;
};

std::string words_of(HttpAnswer answer) {
  FixedAgent agent(std::move(answer));
  const auto look = ask_counters(agent);
  return look ? "no error" : look.error().message;
}

std::string line(const std::string& time, double guest, double halted,
                 const std::string& more = "") {
  return R"({"time":")" + time + R"(","id":"u-1","name":"web-1","guest_percent":)" +
         std::to_string(guest) + R"(,"halted_percent":)" + std::to_string(halted) + more + "}\n";
}

}  // namespace

TEST(FeaturesLive, two_looks_are_a_window) {
  const auto before = counters_look(look(100, 40, 1000)), now = counters_look(look(110, 43, 1500));
  ASSERT_TRUE(before && now);
  const auto reading = features_between(*before, *now, "h:9752", 1'700'000'000);
  ASSERT_EQ(reading.table.rows.size(), 1u);
  const auto& row = reading.table.rows[0];
  EXPECT_EQ(row.host, "h:9752");
  EXPECT_EQ(row.vm, "u-1");
  EXPECT_EQ(row.name, "web\n1");
  EXPECT_EQ(row.begin_seconds, 1'699'999'990);
  EXPECT_EQ(row.end_seconds, 1'700'000'000);
  EXPECT_NEAR(value(reading, 0, "guest_ratio"), 0.3, 1e-9);
  EXPECT_NEAR(value(reading, 0, "exits_hlt_per_second"), 50, 1e-9);
  EXPECT_TRUE(std::isnan(value(reading, 0, "disk_read_per_second")));
  EXPECT_TRUE(reading.notes.empty());
}

TEST(FeaturesLive, who_began_anew_is_left_out_and_noted) {
  const auto before = counters_look(look(100, 40, 1000));
  for (const auto& later : {look(110, 43, 10), look(110, 43, 1500, 8), look(100, 40, 1000)}) {
    const auto now = counters_look(later);
    ASSERT_TRUE(before && now);
    const auto reading = features_between(*before, *now, "h", 0);
    EXPECT_TRUE(reading.table.rows.empty());
    ASSERT_EQ(reading.notes.size(), 1u);
    EXPECT_EQ(reading.notes[0], "1 of 1 VMs are new or have begun anew, and are left out");
  }
  const auto nobody = counters_look(R"({"monotonic_seconds":1,"vms":[]})");
  ASSERT_TRUE(nobody);
  EXPECT_EQ(features_between(*nobody, *nobody, "h", 0).notes,
            std::vector<std::string>{"no VM runs there"});
}

TEST(FeaturesLive, what_is_no_answer_is_one_line) {
  for (const auto* text :
       {"", "[]", "{}", R"({"vms":[]})", R"({"monotonic_seconds":"x","vms":[]})"})
    EXPECT_FALSE(counters_look(text)) << text;
  EXPECT_TRUE(counters_look(R"({"monotonic_seconds":1,"vms":[1,{"id":5},{"id":"a"}]})"));
  EXPECT_NE(words_of({404, "{}"}).find("older one"), std::string::npos);
  EXPECT_NE(words_of({503, "{}"}).find("status 503"), std::string::npos);
  EXPECT_EQ(words_of({200, "<html>"}), "what answers is not the API of a vmflowd");
}

TEST(FeaturesLog, looks_are_windows) {
  const auto reading = features_of_log(
      line("2026-01-31T12:00:00Z", 90, 10) +
          line("2026-01-31T12:00:02Z", 50, 40,
               R"(,"halted_net_percent":30,"exits_per_second":100)") +
          line("2026-01-31T12:00:04Z", 10, 90, R"(,"ready_percent":null,"exits_per_second":20)"),
      "h", 0);
  ASSERT_TRUE(reading) << reading.error().message;
  ASSERT_EQ(reading->table.rows.size(), 2u);
  EXPECT_EQ(reading->table.rows[0].begin_seconds, 1'769'860'800);
  EXPECT_EQ(reading->table.rows[0].end_seconds, 1'769'860'802);
  EXPECT_EQ(reading->table.rows[0].name, "web-1");
  EXPECT_DOUBLE_EQ(value(*reading, 0, "guest_ratio"), 0.5);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "wait_net_ratio"), 0.3);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "exits_per_second"), 100);
  EXPECT_TRUE(std::isnan(value(*reading, 1, "wait_net_ratio")));
  EXPECT_TRUE(std::isnan(value(*reading, 1, "disk_read_per_second")));
  EXPECT_EQ(reading->notes.size(), 1u);
}

TEST(FeaturesLog, looks_are_put_together_by_their_time) {
  std::string log = line("2026-01-31T12:00:00Z", 0, 0);
  log += line("2026-01-31T12:00:01Z", 100, 0);
  log += line("2026-01-31T12:00:10Z", 0, 100, R"(,"exits_per_second":10)");
  const auto reading = features_of_log(log, "h", 10);
  ASSERT_TRUE(reading) << reading.error().message;
  ASSERT_EQ(reading->table.rows.size(), 1u);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "guest_ratio"), 0.1);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "halted_ratio"), 0.9);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "exits_per_second"), 9);
}

TEST(FeaturesLog, what_is_no_log_is_one_line) {
  EXPECT_FALSE(features_of_log("", "h", 0));
  EXPECT_FALSE(features_of_log("time,id\n1,2\n", "h", 0));
  EXPECT_FALSE(features_of_log(line("2026-01-31T12:00:00Z", 1, 2), "h", 0)) << "one look alone";
  const auto some = features_of_log(
      line("2026-01-31T12:00:00Z", 1, 2) + "half a li\n" + line("2026-01-31T12:00:02Z", 1, 99), "h",
      0);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->notes[0], "1 lines are none that 'vmflow log --json' writes, and are left out");
}

TEST(FeaturesTime, is_given_in_four_ways) {
  EXPECT_EQ(time_given("now", 1000), 1000);
  EXPECT_EQ(time_given("90s", 1000), 910);
  EXPECT_EQ(time_given("10m", 1000), 400);
  EXPECT_EQ(time_given("2h", 10'000), 2800);
  EXPECT_EQ(time_given("1d", 100'000), 13'600);
  EXPECT_EQ(time_given("1700000000.5", 0), 1'700'000'000.5);
  EXPECT_EQ(time_given("2026-01-31T12:00:00Z", 0), 1'769'860'800);
  for (const auto* text : {"", "-5", "yesterday", "1e400", "nan", "5x", "2026-01-31", "h"})
    EXPECT_FALSE(time_given(text, 0)) << text;
}

}  // namespace vmflow::test
