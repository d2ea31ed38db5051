// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_text.h"

#include <gtest/gtest.h>

#include <deque>

#include "agent/cli/vm_watch.h"
#include "tests/agent/unit/top_rows.h"

namespace vmflow::test {
namespace {

/// Answers in turn what it was given; what is no JSON is no answer at all.
class FakeAgent : public AgentClient {
 public:
  explicit FakeAgent(std::deque<std::string> answers) : answers_(std::move(answers)) {}
  Result<HttpAnswer> get(const std::string&) override {
    asked++;
    if (answers_.empty()) return failure("no answer");
    const auto answer = answers_.front();
    answers_.pop_front();
    return answer.starts_with("{") ? Result<HttpAnswer>(HttpAnswer{200, answer, 0})
                                   : failure(answer);
  }
  Result<HttpAnswer> post(const std::string&, const std::string&) override {
    return failure("not asked for");
  }
  size_t asked = 0;

 private:
  std::deque<std::string> answers_;
};

std::string look(double seconds, double guest) {
  nlohmann::json vm{{"id", "a"}, {"seconds", {{"guest", guest}}}};
  return nlohmann::json{{"monotonic_seconds", seconds}, {"vms", {vm}}}.dump();
}

struct Watched {
  std::vector<std::string> percents;
  std::vector<std::string> warnings;
  std::string error;
};

Watched watched(FakeAgent& agent, uint64_t count) {
  Watched watched;
  const auto done = watch_vms(
      agent, {.count = count,
              .pause = [left = 20]() mutable { return --left > 0; },
              .tell =
                  [&](const TopRows& rows) {
                    const auto guest = column_called("guest").value();
                    watched.percents.push_back(cell_of(top_columns()[guest], rows.rows.at(0)));
                    return true;
                  },
              .warn = [&](const std::string& text) { watched.warnings.push_back(text); }});
  if (!done) watched.error = done.error().message;
  return watched;
}

TEST(TopText, a_look_is_a_time_a_header_and_a_line_for_each_vm) {
  auto before = vm("a", {{"guest", 0},
                         {"kvm", 0},
                         {"vmm", 0},
                         {"ready", 0},
                         {"throttled", 0},
                         {"halted", 0},
                         {"halt_poll", 0},
                         {"vmm_blocked", 0},
                         {"paused", 0}});
  auto now = vm("a",
                {{"guest", 2},
                 {"kvm", 0.25},
                 {"vmm", 0.05},
                 {"ready", 1},
                 {"throttled", 0},
                 {"halted", 0.5},
                 {"halt_poll", 0.1},
                 {"vmm_blocked", 0.1},
                 {"paused", 0}},
                4242);
  before.waits = {{"timer", 0}, {"disk", 0}, {"net", 0}, {"task", 0}, {"unknown", 0}};
  now.waits = {{"timer", 0.25}, {"disk", 0.25}, {"net", 0}, {"task", 0}, {"unknown", 0}};
  now.name = "web 1";
  now.culprit = "batch-1";
  now.cause = "colocated_vm";
  auto fresh = vm("日本", {{"guest", 9}});
  fresh.name = "";
  fresh.cause = "nothing";
  const VmsLook first{10.0, {before}}, second{12.0, {now, fresh}};
  EXPECT_EQ(batch_text(top_rows(&first, second), "2026-01-31T12:00:00Z"),
            R"(2026-01-31T12:00:00Z 2 VMs, 2.0 s
NAME                 VCPU %GUEST %KVM %VMM %RDY %THR %HALT %TMR %DSK %NET %TSK %OTH %POLL %BLK %PAU EXIT/s CULPRIT              CAUSE
web_1                   2   50.0  6.2  1.2 25.0  0.0  12.5  6.2  6.2  0.0  0.0  0.0   2.5  2.5  0.0   2121 batch-1              other_VM
日本                    2      -    -    -    -    -     -    -    -    -    -    -     -    -    -      - -                    -
)");
}

TEST(TopText, looks_once_more_than_it_tells_of) {
  FakeAgent agent({look(0, 0), look(2, 2), look(4, 4), look(6, 6)});
  const auto told = watched(agent, 2);
  EXPECT_EQ(told.percents, (std::vector<std::string>{"100", "100"}));
  EXPECT_EQ(agent.asked, 3u);
  EXPECT_EQ(told.error, "");
}

TEST(TopText, an_agent_that_does_not_answer_is_one_error) {
  FakeAgent agent({"no answer from there"});
  const auto told = watched(agent, 5);
  EXPECT_EQ(told.error, "no answer from there");
  EXPECT_TRUE(told.warnings.empty());
  EXPECT_EQ(agent.asked, 1u);
}

TEST(TopText, an_agent_that_goes_is_said_once_and_counts) {
  FakeAgent agent({look(0, 0), "gone", "gone", look(6, 1), look(8, 2)});
  const auto told = watched(agent, 4);
  EXPECT_EQ(told.percents, (std::vector<std::string>{"100", "100"}));
  EXPECT_EQ(told.warnings, (std::vector<std::string>{"gone"}));
  EXPECT_EQ(told.error, "");
}

TEST(TopText, a_restart_is_said) {
  FakeAgent agent({look(0, 5), look(2, 1), look(4, 2)});
  const auto told = watched(agent, 2);
  EXPECT_EQ(told.percents, (std::vector<std::string>{"-", "100"}));
  EXPECT_EQ(told.warnings.size(), 1u);
}

TEST(TopText, no_look_to_tell_of_is_an_error) {
  FakeAgent agent({look(0, 5), "gone"});
  EXPECT_NE(watched(agent, 1).error, "");
}

TEST(TopText, times_are_utc) {
  EXPECT_EQ(utc_text(1'700'000'000.9), "2023-11-14T22:13:20Z");
  EXPECT_EQ(utc_text(-1), "-");
  EXPECT_EQ(utc_text(1e300), "-");
}

}  // namespace
}  // namespace vmflow::test
