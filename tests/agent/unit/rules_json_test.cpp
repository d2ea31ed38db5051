// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rules_json.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/default_rules.h"

namespace vmflow::test {
namespace {

const Rule& rule_called(const std::vector<Rule>& rules, const std::string& name) {
  static const Rule kNone;
  const auto found = std::ranges::find(rules, name, &Rule::name);
  return found == rules.end() ? kNone : *found;
}

TEST(Rules, an_empty_list_is_the_default_ones_or_none) {
  EXPECT_EQ(rules_of("[]", true)->size(), default_rules().size());
  EXPECT_TRUE(rules_of("[]", false)->empty());
}

TEST(Rules, a_rule_is_read_in_full) {
  const auto rules = rules_of(R"([{"name": "locks", "what": "waits for a lock", "why": "Because.",
      "metric": "vmflow_vm_blocked_seconds_total", "labels": {"cause": ["lock", "other"]},
      "above": 0.25, "for": 5, "release": 0.5}])",
                              false);
  ASSERT_TRUE(rules) << rules.error().message;
  const auto& rule = rules->at(0);
  EXPECT_EQ(rule.what, "waits for a lock");
  EXPECT_EQ(rule.labels, (std::vector<LabelMatch>{{"cause", {"lock", "other"}}}));
  EXPECT_EQ(rule.test, RuleTest::kAbove);
  EXPECT_EQ(rule.threshold, 0.25);
  EXPECT_EQ(rule.for_seconds, 5);
  EXPECT_EQ(rule.release, 0.5);
  EXPECT_EQ(rule.reading, RuleReading::kRate) << "a counter is read as a rate";
}

TEST(Rules, a_gauge_is_read_as_a_value_unless_told) {
  const std::string metric = R"("metric": "vmflow_vm_disk_requests_in_flight", "above": 10)";
  EXPECT_EQ(rules_of("[{\"name\": \"a\", " + metric + "}]", false)->at(0).reading,
            RuleReading::kValue);
  EXPECT_EQ(
      rules_of("[{\"name\": \"a\", \"read\": \"rate\", " + metric + "}]", false)->at(0).reading,
      RuleReading::kRate);
}

TEST(Rules, one_with_the_name_of_another_changes_what_it_names) {
  const auto rules = rules_of(
      R"([{"name": "exit_storm", "floor": 0.7}, {"name": "throttled", "on": false},
          {"name": "halted_unknown", "on": true}])",
      true);
  ASSERT_TRUE(rules) << rules.error().message;
  EXPECT_EQ(rules->size(), default_rules().size());
  EXPECT_EQ(rule_called(*rules, "exit_storm").threshold, 0.7);
  EXPECT_EQ(rule_called(*rules, "exit_storm").for_seconds,
            rule_called(default_rules(), "exit_storm").for_seconds);
  EXPECT_FALSE(rule_called(*rules, "throttled").on);
  EXPECT_TRUE(rule_called(*rules, "halted_unknown").on);
}

TEST(Rules, an_error_names_the_rule_and_the_field) {
  struct Wrong {
    std::string rule, says;
  };
  const std::string metric = R"("metric": "vmflow_vm_blocked_seconds_total")";
  for (const auto& [rule, says] :
       {Wrong{"3", "rules[0]: an object with a name"},
        Wrong{"{}", "rules[0]: an object with a name"},
        Wrong{R"({"name": "a"})", "rules[0] 'a': metric: there is no ''"},
        Wrong{R"({"name": "A b", )" + metric + "}", "rules[0] 'A b': name:"},
        Wrong{R"({"name": "a", "speed": 1, )" + metric + "}",
              "rules[0] 'a': unknown field 'speed'"},
        Wrong{R"({"name": "a", "for": "3", )" + metric + "}", "rules[0] 'a': for: a number"},
        Wrong{R"({"name": "a", "for": -3, )" + metric + "}", "rules[0] 'a': for: -3"},
        Wrong{R"({"name": "a", "above": 1, "floor": 1, )" + metric + "}", "either above or floor"},
        Wrong{R"({"name": "a", "read": "mean", )" + metric + "}", "rules[0] 'a': read:"},
        Wrong{R"({"name": "a", "labels": {"cause": 1}, )" + metric + "}", "rules[0] 'a': labels:"},
        Wrong{R"({"name": "a", "labels": {"reason": "x"}, )" + metric + "}",
              "rules[0] 'a': labels: 'reason'"},
        Wrong{R"({"name": "a", "on": 1, )" + metric + "}", "rules[0] 'a': on:"}}) {
    const auto rules = rules_of("[" + rule + "]", false);
    ASSERT_FALSE(rules) << rule;
    EXPECT_NE(rules.error().message.find(says), std::string::npos) << rules.error().message;
    EXPECT_EQ(rules.error().message.find('\n'), std::string::npos);
  }
  for (const auto* text : {"", "{}", "null", "[", "3"}) EXPECT_FALSE(rules_of(text, true)) << text;
}

}  // namespace
}  // namespace vmflow::test
