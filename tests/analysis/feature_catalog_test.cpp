// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/feature_catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "analysis/exit_reason.h"
#include "analysis/metric_catalog.h"
#include "tests/analysis/hand_made_model.h"

namespace vmflow::test {
namespace {

constexpr double kSecond = 1e9;

double value(const std::vector<double>& values, const std::string& name) {
  const auto features = feature_catalog();
  for (size_t i = 0; i < features.size(); i++)
    if (features[i].column.name == name) return values.at(i);
  ADD_FAILURE() << "no feature " << name;
  return 0;
}

uint32_t at(WaitReason reason) {
  return static_cast<uint32_t>(reason);
}

}  // namespace

TEST(FeatureCatalog, names_are_unique_and_end_with_their_unit) {
  std::set<std::string> names;
  for (const auto& feature : feature_catalog()) {
    const auto& column = feature.column;
    EXPECT_TRUE(names.insert(column.name).second) << column.name;
    EXPECT_FALSE(column.meaning.empty()) << column.name;
    EXPECT_FALSE(feature.of.empty()) << column.name;
    const bool is_one = column.name.ends_with("_ratio") ? column.unit == "ratio"
                        : column.name.ends_with("_bytes_per_second")
                            ? column.unit == "bytes per second"
                        : column.name.ends_with("_per_second") ? column.unit == "per second"
                        : column.name.ends_with("_seconds")    ? column.unit == "seconds"
                                                               : false;
    EXPECT_TRUE(is_one) << column.name << ": " << column.unit;
    for (const auto place : feature.of) EXPECT_LT(place, feature_counters().size()) << column.name;
    for (const auto place : feature.by) EXPECT_LT(place, feature_counters().size()) << column.name;
  }
  EXPECT_GT(names.size(), 60u);
}

TEST(FeatureCatalog, counters_are_on_the_page_of_metrics) {
  for (const auto& counter : feature_counters()) {
    auto name = std::string(counter.metric);
    if (name.ends_with("_count")) name.resize(name.size() - 6);
    const auto catalog = metric_catalog();
    const auto metric = std::ranges::find(catalog, name, &Metric::name);
    ASSERT_NE(metric, catalog.end()) << counter.name << ": " << name;
    const bool has_label = counter.label.empty() ||
                           std::ranges::find(metric->labels, counter.label) != metric->labels.end();
    EXPECT_TRUE(has_label) << counter.name;
  }
}

// Every reason with a series of its own is of one class, whichever the vendor.
TEST(FeatureCatalog, every_exit_has_a_class) {
  for (const auto vendor : {Vendor::kSvm, Vendor::kVmx})
    for (const auto& named : named_exits(vendor)) {
      uint32_t classes = 0;
      for (const auto& counter : feature_counters())
        if (counter.metric == "vmflow_vm_exits_total" && counter.name != "exits" &&
            std::ranges::find(counter.values, named.name) != counter.values.end())
          classes++;
      EXPECT_EQ(classes, 1u) << named.name;
    }
  EXPECT_EQ(exit_class("npf"), exit_class("ept_misconfig"));
  EXPECT_EQ(exit_class("never heard of"), "other");
}

TEST(FeatureCatalog, two_looks_give_rates_shares_and_means) {
  VmFlow vm;
  vm.interrupts.emplace();
  vm.disk.emplace();
  const auto before = feature_totals(vm);
  vm.time.state_ns[FLOW_GUEST] = 6 * kSecond;
  vm.time.state_ns[FLOW_KVM] = kSecond;
  vm.time.state_ns[FLOW_VMM] = kSecond;
  vm.time.state_ns[FLOW_HALTED] = 8 * kSecond;
  vm.time.unaccounted_ns = 4 * kSecond;
  vm.wait_ns[at(WaitReason::kTimer)] = 2 * kSecond;
  vm.wait_durations[at(WaitReason::kTimer)].bucket = {30, 10};
  vm.folded_exits = {{"npf", 100, 0}, {"hlt", 40, 0}, {"vintr", 20, 0}};
  vm.preemptions[FLOW_CULPRIT_OTHER_VM] = 50;
  (*vm.interrupts)[at(WaitReason::kTimer)] = 400;
  vm.disk->done[FLOW_DISK_READ] = {20, 81920, 5 * static_cast<uint64_t>(kSecond)};
  vm.poll_fail_ns = kSecond / 2;
  const auto sums = feature_difference(before, feature_totals(vm), 10 * kSecond);
  ASSERT_TRUE(sums);
  const auto values = feature_values(*sums);
  EXPECT_EQ(value(values, "guest_ratio"), 0.3);
  EXPECT_EQ(value(values, "root_ratio"), 0.1);
  EXPECT_EQ(value(values, "halted_ratio"), 0.4);
  EXPECT_EQ(value(values, "unaccounted_ratio"), 0.2);
  EXPECT_EQ(value(values, "halt_poll_waste_ratio"), 0.025);
  EXPECT_EQ(value(values, "wait_timer_ratio"), 0.1);
  EXPECT_EQ(value(values, "wait_timer_per_second"), 4);
  EXPECT_EQ(value(values, "wait_timer_mean_seconds"), 0.05);
  EXPECT_TRUE(std::isnan(value(values, "wait_disk_mean_seconds"))) << "there was none";
  EXPECT_EQ(value(values, "exits_per_second"), 16);
  EXPECT_EQ(value(values, "exits_page_fault_per_second"), 10);
  EXPECT_EQ(value(values, "exits_other_per_second"), 2);
  EXPECT_EQ(value(values, "preempted_by_other_vm_per_second"), 5);
  EXPECT_EQ(value(values, "interrupts_timer_per_second"), 40);
  EXPECT_EQ(value(values, "disk_read_per_second"), 2);
  EXPECT_EQ(value(values, "disk_read_bytes_per_second"), 8192);
  EXPECT_EQ(value(values, "disk_read_mean_seconds"), 0.25);
  EXPECT_EQ(value(values, "disk_write_per_second"), 0);
  EXPECT_TRUE(std::isnan(value(values, "net_receive_per_second"))) << "the host has seen none";
}

TEST(FeatureCatalog, a_wait_from_before_the_window_does_not_exceed_it) {
  VmFlow vm;
  vm.time.state_ns[FLOW_HALTED] = 100 * kSecond;
  const auto before = feature_totals(vm);
  vm.time.state_ns[FLOW_HALTED] += 3 * kSecond;
  vm.time.state_ns[FLOW_GUEST] += kSecond;
  vm.wait_ns[at(WaitReason::kNet)] = 40 * kSecond;
  vm.wait_ns[at(WaitReason::kTimer)] = 20 * kSecond;
  const auto sums = feature_difference(before, feature_totals(vm), 4 * kSecond);
  ASSERT_TRUE(sums);
  const auto values = feature_values(*sums);
  EXPECT_DOUBLE_EQ(value(values, "wait_net_ratio"), 0.5);
  EXPECT_DOUBLE_EQ(value(values, "wait_timer_ratio"), 0.25);
}

TEST(FeatureCatalog, counters_that_fall_or_stand_still_tell_nothing) {
  auto vm = hand_made_model().vms[0];
  const auto before = feature_totals(vm);
  EXPECT_FALSE(feature_difference(before, before, kSecond)) << "no time went by";
  vm.time.state_ns[FLOW_GUEST] += 10;
  EXPECT_TRUE(feature_difference(before, feature_totals(vm), 10));
  vm.wait_ns[0] = 0;
  vm.wait_ns[1] = 0;
  EXPECT_FALSE(feature_difference(before, feature_totals(vm), 10)) << "it fell";
}

TEST(FeatureCatalog, says_how_a_feature_is_asked_of_prometheus) {
  for (const auto& feature : feature_catalog()) {
    const auto text = feature_promql(feature, "5m");
    EXPECT_NE(text.find("vmflow_vm_"), std::string::npos) << feature.column.name;
    if (feature.column.name != "disk_read_mean_seconds") continue;
    EXPECT_EQ(text,
              "sum by (instance, vm) (increase(vmflow_vm_disk_seconds_total{op=\"read\"}[5m])) / "
              "sum by (instance, vm) (increase(vmflow_vm_disk_operations_total{op=\"read\"}"
              "[5m]))");
  }
}

}  // namespace vmflow::test
