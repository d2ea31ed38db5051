// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/feature_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/flow_names.h"

namespace vmflow {
namespace {

using Features = std::vector<Feature>;
using Names = std::vector<std::string>;

constexpr const char* kRatio = "ratio";
constexpr const char* kSeconds = "seconds";
constexpr const char* kPerSecond = "per second";
constexpr const char* kBytesPerSecond = "bytes per second";

std::vector<size_t> places(const Names& names) {
  std::vector<size_t> all;
  for (const auto& name : names) all.push_back(feature_counter(name));
  return all;
}

void add_ratio(Features& all, const std::string& name, const Names& of, std::string meaning) {
  all.push_back({{name + "_ratio", kRatio, "share of vCPU time: " + std::move(meaning)},
                 places(of),
                 FeatureBase::kVcpuTime,
                 {}});
}

void add_rate(Features& all, const std::string& name, const Names& of, std::string meaning) {
  all.push_back({{name + "_per_second", kPerSecond, std::move(meaning)},
                 places(of),
                 FeatureBase::kWallTime,
                 {}});
}

void add_bytes(Features& all, const std::string& name, const Names& of, std::string meaning) {
  all.push_back({{name + "_bytes_per_second", kBytesPerSecond, std::move(meaning)},
                 places(of),
                 FeatureBase::kWallTime,
                 {}});
}

void add_mean(Features& all, const std::string& name, const Names& of, const Names& by,
              std::string meaning) {
  all.push_back({{name + "_seconds", kSeconds, std::move(meaning)},
                 places(of),
                 FeatureBase::kCounters,
                 places(by)});
}

void add_shares(Features& all) {
  add_ratio(all, "guest", {"time_guest"}, "the VM's own code runs (non-root)");
  add_ratio(all, "nested", {"time_guest_nested"}, "a guest of the VM's runs");
  add_ratio(all, "root", {"time_kvm", "time_vmm"}, "the host works for it, in KVM and in the VMM");
  add_ratio(all, "halt_poll", {"time_halt_poll"}, "KVM waits actively");
  add_ratio(all, "halt_poll_waste", {"poll_fail"}, "KVM has waited actively in vain");
  add_ratio(all, "halted", {"time_halted"}, "asleep, nothing to do");
  add_ratio(all, "ready", {"time_ready"}, "could run and has no CPU");
  add_ratio(all, "throttled", {"time_throttled"}, "could run, its quota is used up");
  add_ratio(all, "blocked", {"time_vmm_blocked"}, "asleep outside of HLT");
  add_ratio(all, "paused", {"time_paused"}, "stopped");
  add_ratio(all, "unaccounted", {"time_unaccounted"}, "events contradict one another");
}

void add_waits(Features& all) {
  for (uint32_t i = 0; i < kWaitReasons; i++) {
    const std::string reason(wait_reason_name(static_cast<WaitReason>(i)));
    const auto feature = "wait_" + reason;
    add_ratio(all, feature, {"wait_" + reason},
              "halted until " + (reason == "unknown" ? "something untold" : reason) + " ended it");
    add_rate(all, feature, {"waits_" + reason}, "halts that " + reason + " has ended");
    add_mean(all, feature + "_mean", {"ended_wait_" + reason}, {"waits_" + reason},
             "mean of the halts that " + reason + " has ended, each from its beginning");
  }
}

void add_counts(Features& all) {
  for (uint32_t i = 0; i < FLOW_CULPRITS; i++) {
    if (!is_preempter(static_cast<flow_culprit>(i))) continue;
    const std::string culprit(culprit_name(static_cast<flow_culprit>(i)));
    add_rate(all, "preempted_by_" + culprit, {"preempted_" + culprit},
             "vCPUs that could run and had to leave a CPU to " + culprit);
  }
  add_rate(all, "exits", {"exits"}, "VM exits");
  for (const auto name : exit_classes())
    add_rate(all, "exits_" + std::string(name), {"exits_" + std::string(name)},
             fmt::format("VM exits, of either vendor's reasons for {}", name));
  for (uint32_t i = 0; i < kWaitReasons; i++) {
    const std::string reason(wait_reason_name(static_cast<WaitReason>(i)));
    add_rate(all, "interrupts_" + reason, {"interrupts_" + reason},
             "interrupts given to its vCPUs: " + reason);
  }
}

void add_devices(Features& all) {
  for (uint32_t op = 0; op < FLOW_DISK_OPS; op++) {
    const auto name = "disk_" + std::string(disk_op_name(static_cast<flow_disk_op>(op)));
    add_rate(all, name, {name + "_operations"}, "disk requests of this kind");
    add_bytes(all, name, {name + "_bytes"}, "bytes of those requests");
    add_mean(all, name + "_mean", {name + "_time"}, {name + "_operations"},
             "mean time of those requests");
  }
  add_rate(all, "net_receive", {"net_receive_packets"}, "packets that the VM has read");
  add_bytes(all, "net_receive", {"net_receive_bytes"}, "bytes of those packets");
  add_rate(all, "net_transmit", {"net_transmit_packets"}, "packets that the VM has sent");
  add_bytes(all, "net_transmit", {"net_transmit_bytes"}, "bytes of those packets");
  add_mean(all, "net_wait_mean", {"net_wait"}, {"net_receive_packets"},
           "mean time of a packet for the VM in its tap");
}

std::string selector(const FeatureCounter& counter) {
  if (counter.label.empty()) return std::string(counter.metric);
  return fmt::format("{}{{{}{}\"{}\"}}", counter.metric, counter.label,
                     counter.values.size() == 1 ? "=" : "=~", fmt::join(counter.values, "|"));
}

std::string sum_promql(const std::vector<size_t>& of, const std::string& window,
                       std::string_view function) {
  std::string text;
  for (const auto place : of) {
    const auto& counter = feature_counters()[place];
    text += fmt::format("{}sum by (instance, vm) ({}({}[{}]))", text.empty() ? "" : " + ", function,
                        selector(counter), window);
  }
  return of.size() > 1 ? "(" + text + ")" : text;
}

double sum_of(const FeatureSums& sums, const std::vector<size_t>& places) {
  double sum = 0;
  for (const auto place : places) sum += sums.of[place];
  return sum;
}

bool is_time_of(const std::vector<size_t>& places) {
  return feature_counters()[places.front()].kind == FeatureCounterKind::kTime;
}

double value_of(const Feature& feature, const FeatureSums& sums) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  const double sum = sum_of(sums, feature.of);
  switch (feature.base) {
    case FeatureBase::kVcpuTime:
      return sums.vcpu_ns > 0 ? sum / sums.vcpu_ns : kUnknown;
    case FeatureBase::kWallTime:
      return sums.wall_ns > 0 ? sum * 1e9 / sums.wall_ns : kUnknown;
    case FeatureBase::kCounters: {
      const double by = sum_of(sums, feature.by);
      if (!(by > 0)) return kUnknown;
      return is_time_of(feature.of) ? sum / by / 1e9 : sum / by;
    }
    case FeatureBase::kNothing:
      return sum;
  }
  return kUnknown;
}

/// Waits that had begun before the window have counted with what they had there.
void share_halted(FeatureSums& sums) {
  const double halted = sums.of[FLOW_HALTED];
  std::vector<size_t> waits;
  for (uint32_t i = 0; i < kWaitReasons; i++)
    waits.push_back(
        feature_counter("wait_" + std::string(wait_reason_name(static_cast<WaitReason>(i)))));
  const double sum = sum_of(sums, waits);
  if (!(sum > halted)) return;
  for (const auto place : waits) sums.of[place] *= halted / sum;
}

}  // namespace

std::span<const Feature> feature_catalog() {
  static const Features features = [] {
    Features all;
    add_shares(all);
    add_waits(all);
    add_counts(all);
    add_devices(all);
    all.push_back({{"idle_ratio", kRatio,
                    "part of the window in which vmflow called it idle; of two looks 1 or 0, at "
                    "the second one"},
                   places({"idle"}),
                   FeatureBase::kNothing,
                   {}});
    return all;
  }();
  return features;
}

std::vector<FeatureColumn> feature_columns() {
  std::vector<FeatureColumn> columns;
  for (const auto& feature : feature_catalog()) columns.push_back(feature.column);
  return columns;
}

FeatureSums no_feature_sums() {
  return {std::vector<double>(feature_counters().size(), std::numeric_limits<double>::quiet_NaN()),
          0, 0};
}

FeatureSums feature_totals(const VmFlow& vm) {
  auto totals = no_feature_sums();
  const auto counters = feature_counters();
  for (size_t i = 0; i < counters.size(); i++)
    if (const auto value = counters[i].read(vm)) totals.of[i] = static_cast<double>(*value);
  return totals;
}

bool complete_feature_sums(FeatureSums& sums) {
  sums.vcpu_ns = 0;
  for (size_t i = 0; i < kFeatureStates; i++) sums.vcpu_ns += sums.of[i];
  if (!(sums.vcpu_ns > 0)) return false;
  share_halted(sums);
  return true;
}

std::optional<FeatureSums> feature_difference(const FeatureSums& before, const FeatureSums& now,
                                              double wall_ns) {
  auto sums = now;
  sums.wall_ns = wall_ns;
  const auto counters = feature_counters();
  for (size_t i = 0; i < counters.size(); i++) {
    if (counters[i].kind == FeatureCounterKind::kGauge) continue;
    if (now.of[i] < before.of[i]) return std::nullopt;
    // What came to be known in between has begun in between.
    sums.of[i] = now.of[i] - (std::isnan(before.of[i]) ? 0 : before.of[i]);
  }
  if (!complete_feature_sums(sums)) return std::nullopt;
  return sums;
}

std::vector<double> feature_values(const FeatureSums& sums) {
  std::vector<double> values;
  for (const auto& feature : feature_catalog()) values.push_back(value_of(feature, sums));
  return values;
}

std::string feature_promql(const Feature& feature, const std::string& window) {
  constexpr std::string_view kIncrease = "increase";
  switch (feature.base) {
    case FeatureBase::kVcpuTime:
      return fmt::format(
          "{} / (sum by (instance, vm) (increase(vmflow_vm_vcpu_seconds_total[{}])) + "
          "sum by (instance, vm) (increase(vmflow_vm_vcpu_unaccounted_seconds_total[{}])))",
          sum_promql(feature.of, window, kIncrease), window, window);
    case FeatureBase::kWallTime:
      return sum_promql(feature.of, window, "rate");
    case FeatureBase::kCounters:
      return sum_promql(feature.of, window, kIncrease) + " / " +
             sum_promql(feature.by, window, kIncrease);
    case FeatureBase::kNothing:
      return sum_promql(feature.of, window, "avg_over_time");
  }
  return "";
}

}  // namespace vmflow
