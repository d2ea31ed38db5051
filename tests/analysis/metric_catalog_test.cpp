// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/metric_catalog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <regex>
#include <set>
#include <string>

#include "analysis/build_model.h"
#include "tests/analysis/collected_samples.h"
#include "tests/analysis/hand_made_model.h"

namespace vmflow::test {
namespace {

/// Calls `check` for every row, and names the row where it fails.
template <typename Check>
void for_each_metric(Check check) {
  for (const auto& metric : metric_catalog()) {
    SCOPED_TRACE(metric.name);
    check(metric);
  }
}

void check_samples(const Metric& metric, const FlowModel& model) {
  std::set<std::vector<std::string>> seen;
  for (const auto& sample : collect(metric, model)) {
    EXPECT_EQ(sample.labels.size(), metric.labels.size());
    EXPECT_TRUE(seen.insert(sample.labels).second) << "a series is shown twice";
    const bool is_histogram = metric.kind == MetricKind::kHistogram;
    EXPECT_EQ(sample.cumulative.size(), is_histogram ? metric.bounds.size() + 1 : 0);
    EXPECT_TRUE(std::ranges::is_sorted(sample.cumulative)) << "a cumulative count falls";
    EXPECT_GE(sample.value, 0);
  }
}

TEST(MetricCatalog, names_follow_the_rules_of_prometheus) {
  const std::regex legal("^(vmflow|process)_[a-z0-9_]+$");
  for_each_metric([&](const Metric& metric) {
    EXPECT_TRUE(std::regex_match(std::string(metric.name), legal));
    EXPECT_EQ(metric.name.ends_with("_total"), metric.kind == MetricKind::kCounter);
  });
}

TEST(MetricCatalog, labels_are_legal_and_unlike_one_another) {
  const std::regex legal("^[a-z][a-z0-9_]*$");
  for_each_metric([&](const Metric& metric) {
    std::set<std::string_view> labels(metric.labels.begin(), metric.labels.end());
    EXPECT_EQ(labels.size(), metric.labels.size());
    for (const auto label : labels) {
      EXPECT_TRUE(std::regex_match(std::string(label), legal)) << label;
      EXPECT_FALSE(label == "le" || label == "quantile") << "means something to Prometheus";
    }
  });
}

TEST(MetricCatalog, every_row_says_in_full_what_it_is) {
  for_each_metric([](const Metric& metric) {
    EXPECT_GT(metric.help.size(), 1u);
    EXPECT_TRUE(metric.help.ends_with('.'));
    // METRICS.md puts the full stop there itself.
    for (const auto text : {metric.clock, metric.error}) {
      EXPECT_FALSE(text.empty());
      EXPECT_FALSE(text.ends_with('.'));
    }
  });
}

TEST(MetricCatalog, samples_have_the_shape_that_their_row_says) {
  const auto model = hand_made_model();
  for_each_metric([&](const Metric& metric) {
    EXPECT_FALSE(collect(metric, model).empty());
    check_samples(metric, model);
  });
}

TEST(MetricCatalog, samples_of_a_host_without_vms_have_it_too) {
  const auto built = build_model(Snapshot{}, Carry{}).model;
  for_each_metric([&](const Metric& metric) {
    check_samples(metric, FlowModel{});
    check_samples(metric, built);
  });
}

// A series per vCPU is asked for by a flag; it must not come by another door.
TEST(MetricCatalog, a_row_with_the_label_vcpu_is_per_vcpu) {
  for_each_metric([](const Metric& metric) {
    EXPECT_EQ(std::ranges::count(metric.labels, "vcpu") != 0,
              metric.detail == MetricDetail::kPerVcpu);
  });
}

TEST(MetricCatalog, no_name_stands_twice) {
  std::set<std::string_view> names;
  for (const auto& metric : metric_catalog()) EXPECT_TRUE(names.insert(metric.name).second);
}

Metric metric_called(std::string_view name) {
  const auto found = std::ranges::find(metric_catalog(), name, &Metric::name);
  if (found != metric_catalog().end()) return *found;
  ADD_FAILURE() << "no metric " << name;
  return {};
}

TEST(ExitDuration, bounds_are_powers_of_two_of_nanoseconds) {
  const auto bounds = exit_bounds_seconds();
  EXPECT_EQ(std::vector(bounds.begin(), bounds.end()),
            (std::vector{1024e-9, 4096e-9, 16384e-9, 65536e-9, 262144e-9, 1048576e-9, 4194304e-9,
                         16777216e-9}));
}

TEST(ExitDuration, no_count_is_split_between_bounds) {
  // Bucket i of the kernel ends at 2^(i+9) ns: two of them lie below 1,024 ns, four below 4,096 ns.
  for (const auto* name : {"vmflow_exit_duration_seconds", "vmflow_vm_exit_duration_seconds"})
    for (const auto& sample : collect(metric_called(name), hand_made_model()))
      EXPECT_EQ(sample.cumulative, (std::vector<uint64_t>{2, 4, 6, 8, 10, 12, 14, 16, 24})) << name;
}

TEST(ExitDuration, each_time_counts_from_the_first_bound_above_it) {
  struct Time {
    uint64_t ns;
    size_t first_bound;
  };
  for (const auto [ns, first_bound] : {Time{0, 0},
                                       {511, 0},
                                       {1023, 0},
                                       {1025, 1},
                                       {4095, 1},
                                       {4097, 2},
                                       {16'777'215, 7},
                                       {16'777'217, 8},
                                       {60'000'000'000, 8}}) {
    auto model = hand_made_model();
    model.vms[0].exit_durations = {};
    model.vms[0].exit_durations.bucket[flow_bucket(ns)] = 1;
    const auto sample = collect(metric_called("vmflow_vm_exit_duration_seconds"), model).at(0);
    for (size_t i = 0; i < sample.cumulative.size(); i++)
      EXPECT_EQ(sample.cumulative[i], i >= first_bound ? 1u : 0u) << ns << " ns, bound " << i;
  }
}

TEST(WaitDuration, each_time_counts_from_the_first_bound_above_it) {
  EXPECT_EQ(wait_bounds_seconds().front(), 65536e-9);
  EXPECT_EQ(wait_bounds_seconds().back(), 1.073741824);
  struct Time {
    uint64_t ns;
    size_t first_bound;
  };
  for (const auto [ns, first_bound] : {Time{1, 0},
                                       {65'535, 0},
                                       {65'536, 1},
                                       {262'143, 1},
                                       {262'144, 2},
                                       {1'073'741'823, 7},
                                       {1'073'741'824, 8},
                                       {60'000'000'000, 8}}) {
    auto model = hand_made_model();
    model.vms[0].wait_durations = {};
    model.vms[0].wait_durations[0].bucket[flow_wait_bucket(ns)] = 1;
    const auto sample = collect(metric_called("vmflow_vm_wait_duration_seconds"), model).at(0);
    for (size_t i = 0; i < sample.cumulative.size(); i++)
      EXPECT_EQ(sample.cumulative[i], i >= first_bound ? 1u : 0u) << ns << " ns, bound " << i;
  }
}

TEST(MetricSamples, interrupt_time_is_a_culprit_only_where_it_is_told) {
  auto model = hand_made_model();
  const auto culprits = [&] {
    return collect(metric_called("vmflow_vm_ready_by_culprit_seconds_total"), model).size();
  };
  EXPECT_EQ(culprits(), size_t{FLOW_CULPRITS} - 1) << "absent, not zero";
  model.tells_irq = true;
  EXPECT_EQ(culprits(), size_t{FLOW_CULPRITS});
}

TEST(MetricSamples, times_are_shown_in_seconds) {
  auto model = hand_made_model();
  model.vms[0].time.state_ns.fill(1'500'000'000);
  for (const auto& sample : collect(metric_called("vmflow_vm_vcpu_seconds_total"), model))
    EXPECT_EQ(sample.value, 1.5) << sample.labels[1];
}

TEST(MetricSamples, only_waits_have_an_open_part) {
  std::set<std::string> states;
  for (const auto& sample :
       collect(metric_called("vmflow_vm_open_wait_seconds"), hand_made_model()))
    states.insert(sample.labels[1]);
  EXPECT_EQ(states,
            (std::set<std::string>{"halted", "paused", "ready", "throttled", "vmm_blocked"}));
}

TEST(MetricSamples, a_vcpu_without_a_thread_has_time_but_no_info) {
  auto model = hand_made_model();
  model.vms[0].per_vcpu[0].tid = 0;
  EXPECT_TRUE(collect(metric_called("vmflow_vcpu_info"), model).empty());
  EXPECT_EQ(collect(metric_called("vmflow_vcpu_seconds_total"), model).size(),
            static_cast<size_t>(FLOW_STATES));
}

}  // namespace
}  // namespace vmflow::test
