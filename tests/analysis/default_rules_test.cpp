// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/default_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "analysis/metric_catalog.h"
#include "tests/analysis/collected_samples.h"
#include "tests/analysis/hand_made_model.h"

namespace vmflow::test {
namespace {

TEST(DefaultRules, are_right) {
  std::set<std::string> names;
  for (const auto& rule : default_rules()) {
    EXPECT_EQ(wrong_with(rule), std::nullopt) << rule.name;
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name << " stands twice";
  }
}

TEST(DefaultRules, explain_themselves) {
  for (const auto& rule : default_rules()) {
    EXPECT_FALSE(rule.what.empty()) << rule.name;
    EXPECT_TRUE(rule.why.ends_with('.')) << rule.name;
  }
}

// A label value that is spelled wrong would match nothing, silently.
TEST(DefaultRules, every_value_that_they_choose_is_there) {
  const auto model = hand_made_model();
  for (const auto& rule : default_rules()) {
    const auto& metric = *metric_of(rule);
    for (const auto& match : rule.labels) {
      const auto place = std::ranges::find(metric.labels, match.label) - metric.labels.begin();
      std::set<std::string> there;
      for (const auto& sample : collect(metric, model))
        there.insert(sample.labels[static_cast<size_t>(place)]);
      for (const auto& value : match.values)
        EXPECT_TRUE(there.contains(value)) << rule.name << ": " << value;
    }
  }
}

TEST(DefaultRules, a_deviation_has_a_floor) {
  for (const auto& rule : default_rules()) EXPECT_GE(rule.threshold, 0.1) << rule.name;
}

TEST(Rule, says_what_is_wrong_with_it) {
  const Rule right{.name = "a_rule",
                   .what = "",
                   .why = "",
                   .metric = "vmflow_vm_wait_seconds_total",
                   .labels = {{"reason", {"disk"}}}};
  EXPECT_EQ(wrong_with(right), std::nullopt);
  EXPECT_EQ(selector_text(right), "vmflow_vm_wait_seconds_total{reason=\"disk\"}");
  const auto expect = [&](auto change, const std::string& begins) {
    Rule rule = right;
    change(rule);
    const auto wrong = wrong_with(rule).value_or("");
    EXPECT_TRUE(wrong.starts_with(begins)) << wrong << ", not " << begins;
  };
  expect([](Rule& rule) { rule.name = "A rule"; }, "name:");
  expect([](Rule& rule) { rule.name = ""; }, "name:");
  expect([](Rule& rule) { rule.metric = "vmflow_nothing"; }, "metric: there is no");
  expect([](Rule& rule) { rule.metric = "vmflow_vms"; }, "metric: vmflow_vms is not of one VM");
  expect([](Rule& rule) { rule.labels = {{"culprit", {"x"}}}; }, "labels: 'culprit'");
  expect([](Rule& rule) { rule.labels = {{"vm", {"x"}}}; }, "labels: 'vm'");
  expect([](Rule& rule) { rule.labels[0].values.clear(); }, "labels: 'reason' has no value");
  expect([](Rule& rule) { rule.threshold = 0; }, "floor:");
  expect(
      [](Rule& rule) {
        rule.threshold = -1;
        rule.test = RuleTest::kAbove;
      },
      "above:");
  expect([](Rule& rule) { rule.for_seconds = -1; }, "for:");
  expect([](Rule& rule) { rule.release = 2; }, "release:");
  expect([](Rule& rule) { rule.mads = -1; }, "mads:");
  expect([](Rule& rule) { rule.span.window_seconds = 1; }, "window:");
  expect([](Rule& rule) { rule.span.warm_up_seconds = 200; }, "warm_up:");
}

}  // namespace
}  // namespace vmflow::test
