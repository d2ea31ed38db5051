// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/feature_windows.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "analysis/flow_names.h"
#include "analysis/wait_reason.h"

namespace vmflow {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

size_t place_of(std::string_view before, std::string_view name) {
  return feature_counter(std::string(before) + std::string(name));
}

/// Places of counters by what a replay has.
struct Places {
  std::array<size_t, kWaitReasons> wait{}, ended{}, waits{}, interrupts{};
  std::array<size_t, FLOW_CULPRITS> preempted{};
  std::array<size_t, kFoldedExits> exits{};
  size_t all_exits = feature_counter("exits");
  size_t poll_fail = feature_counter("poll_fail");

  explicit Places(Vendor vendor) {
    for (uint32_t i = 0; i < kWaitReasons; i++) {
      const auto name = wait_reason_name(static_cast<WaitReason>(i));
      wait[i] = place_of("wait_", name);
      ended[i] = place_of("ended_wait_", name);
      waits[i] = place_of("waits_", name);
      interrupts[i] = place_of("interrupts_", name);
    }
    for (uint32_t i = 0; i < FLOW_CULPRITS; i++)
      preempted[i] = place_of("preempted_", culprit_name(static_cast<flow_culprit>(i)));
    for (uint32_t i = 0; i < kFoldedExits; i++)
      exits[i] = place_of("exits_", exit_class(folded_exit_name(vendor, i)));
  }
};

class Windows {
 public:
  Windows(const ReplayResult& replay, uint64_t every_ns, uint64_t windows)
      : replay_(replay),
        every_ns_(every_ns),
        windows_(windows),
        places_(replay.snapshot.host.vendor) {}

  /// By VM, then by window.
  std::map<VmKey, std::map<uint64_t, FeatureSums>> sums() && {
    for (size_t i = 0; i < replay_.vcpus.size(); i++) {
      add_times(replay_.vcpus[i]);
      add_counts(i);
    }
    return std::move(sums_);
  }

 private:
  uint64_t begin_of(uint64_t window) const { return replay_.first_ns + window * every_ns_; }
  uint64_t window_at(uint64_t ns) const {
    const uint64_t since_ns = ns - std::min(ns, replay_.first_ns);
    return with_end(since_ns / every_ns_, ns);
  }
  /// What happens at the very end of the trace is of its last window.
  uint64_t with_end(uint64_t window, uint64_t ns) const {
    const bool is_end = ns >= replay_.last_ns && begin_of(window) >= replay_.last_ns;
    return is_end && window > 0 ? window - 1 : window;
  }

  FeatureSums& of(const VmKey& vm, uint64_t window) {
    auto [found, is_new] = sums_[vm].try_emplace(window);
    if (is_new) found->second = {std::vector<double>(feature_counters().size(), 0), 0, 0};
    return found->second;
  }

  /// Gives each window its part of the interval: to counter `place`.
  void clip(const VmKey& vm, const ReplayInterval& interval, size_t place) {
    for (uint64_t window = window_at(interval.begin_ns);
         window < windows_ && begin_of(window) < interval.end_ns; window++) {
      const auto from_ns = std::max(begin_of(window), interval.begin_ns);
      const auto to_ns = std::min(begin_of(window + 1), interval.end_ns);
      if (from_ns < to_ns) of(vm, window).of[place] += static_cast<double>(to_ns - from_ns);
    }
  }

  void add_times(const ReplayedVcpu& vcpu) {
    for (size_t i = 0; i < vcpu.intervals.size(); i++) {
      const auto& interval = vcpu.intervals[i];
      clip(vcpu.vm, interval, interval.state);
      if (interval.state == FLOW_HALTED && interval.wait < FLOW_WAKE_KINDS)
        add_wait(vcpu.vm, interval);
      if (interval.state == FLOW_HALT_POLL && i + 1 < vcpu.intervals.size() &&
          vcpu.intervals[i + 1].state == FLOW_HALTED)
        clip(vcpu.vm, interval, places_.poll_fail);
    }
  }

  void add_wait(const VmKey& vm, const ReplayInterval& wait) {
    const auto reason = static_cast<uint32_t>(wait_reason(wait.wait));
    clip(vm, wait, places_.wait[reason]);
    const uint64_t window = window_at(wait.end_ns);
    if (window >= windows_) return;
    auto& ends_in = of(vm, window);
    ends_in.of[places_.waits[reason]]++;
    ends_in.of[places_.ended[reason]] += static_cast<double>(wait.end_ns - wait.begin_ns);
  }

  void add_counts(size_t vcpu) {
    ReplayCounts before;
    for (uint64_t window = 0; window < replay_.counts.size(); window++) {
      if (vcpu >= replay_.counts[window].size()) continue;
      const auto& now = replay_.counts[window][vcpu];
      const uint64_t at =
          begin_of(window) >= replay_.last_ns ? with_end(window, replay_.last_ns) : window;
      if (at < windows_) add_grown(vcpu, at, before, now);
      before = now;
    }
  }

  void add_grown(size_t vcpu, uint64_t window, const ReplayCounts& before,
                 const ReplayCounts& now) {
    const auto add = [&](size_t place, uint64_t was, uint64_t is) {
      if (is > was && place < feature_counters().size())
        of(replay_.vcpus[vcpu].vm, window).of[place] += static_cast<double>(is - was);
    };
    for (uint32_t i = 0; i < kFoldedExits; i++)
      add(places_.exits[i], before.exits[i], now.exits[i]);
    for (uint32_t i = 0; i < kFoldedExits; i++)
      add(places_.all_exits, before.exits[i], now.exits[i]);
    for (uint32_t i = 0; i < FLOW_CULPRITS; i++)
      add(places_.preempted[i], before.preempted[i], now.preempted[i]);
    for (uint32_t i = 0; i < FLOW_WAKE_KINDS; i++) {
      const auto reason = static_cast<uint32_t>(wait_reason(static_cast<flow_wake_kind>(i)));
      add(places_.interrupts[reason], before.given[i], now.given[i]);
    }
  }

  const ReplayResult& replay_;
  uint64_t every_ns_;
  uint64_t windows_;
  Places places_;
  std::map<VmKey, std::map<uint64_t, FeatureSums>> sums_;
};

/// What the trace does not tell is not 0.
void forget_untold(FeatureSums& sums, const ReplayVocabulary& told) {
  const auto counters = feature_counters();
  for (size_t i = 0; i < counters.size(); i++) {
    const std::string_view name = counters[i].name;
    const bool is_device = name.starts_with("disk_") || name.starts_with("net_");
    const bool is_untold = is_device || name == "interrupts_disk" ||
                           counters[i].kind == FeatureCounterKind::kGauge ||
                           (!told.halt_ends && (name == "poll_fail" || name == "time_halt_poll")) ||
                           (!told.switches && name.starts_with("preempted_"));
    if (is_untold) sums.of[i] = kUnknown;
  }
}

uint64_t windows_of(const ReplayResult& replay, uint64_t every_ns) {
  const uint64_t span_ns = replay.last_ns - std::min(replay.first_ns, replay.last_ns);
  const uint64_t whole = span_ns / every_ns, rest_ns = span_ns % every_ns;
  const bool has_tail = rest_ns != 0 && (whole == 0 || rest_ns * 2 >= every_ns);
  return std::clamp<uint64_t>(whole + (has_tail ? 1 : 0), 1, kMostWindows);
}

double unix_seconds(uint64_t ns, int64_t epoch_ns) {
  return (static_cast<double>(ns) + static_cast<double>(epoch_ns)) / 1e9;
}

}  // namespace

std::vector<WindowedSums> windowed_sums(const ReplayResult& replay, uint64_t every_ns) {
  std::vector<WindowedSums> all;
  if (every_ns == 0 || replay.events == 0) return all;
  const uint64_t windows = windows_of(replay, every_ns);
  for (auto& [vm, by_window] : Windows(replay, every_ns, windows).sums())
    for (auto& [window, sums] : by_window) {
      const uint64_t begin_ns = replay.first_ns + window * every_ns;
      const uint64_t end_ns = std::min(begin_ns + every_ns, replay.last_ns);
      sums.wall_ns = static_cast<double>(end_ns - begin_ns);
      for (size_t i = 0; i < kFeatureStates; i++) sums.vcpu_ns += sums.of[i];
      if (!(sums.vcpu_ns > 0)) continue;
      forget_untold(sums, replay.vocabulary);
      all.push_back({vm, begin_ns, end_ns, std::move(sums)});
    }
  return all;
}

FeatureTable feature_table(const ReplayResult& replay, const IdentitiesByProcess& identities,
                           const FeatureWindows& windows) {
  FeatureTable table{feature_columns(), {}};
  const auto model = replayed_model(replay, identities);
  for (const auto& one : windowed_sums(replay, windows.every_ns)) {
    const auto vm = std::ranges::find(model.vms, one.vm.tgid, &VmFlow::pid);
    if (vm == model.vms.end()) continue;
    table.rows.push_back({.host = windows.host,
                          .vm = vm->label,
                          .name = vm->name,
                          .begin_seconds = unix_seconds(one.begin_ns, windows.epoch_ns),
                          .end_seconds = unix_seconds(one.end_ns, windows.epoch_ns),
                          .values = feature_values(one.sums)});
  }
  return table;
}

}  // namespace vmflow
