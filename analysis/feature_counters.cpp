// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/feature_counters.h"

#include <algorithm>
#include <array>

#include "analysis/exit_reason.h"
#include "analysis/flow_names.h"

namespace vmflow {
namespace {

/// Reasons of both vendors that mean the same, so that hosts of both can be compared.
struct ExitClass {
  std::string_view name;
  std::vector<std::string_view> reasons;
};

const std::vector<ExitClass>& classes() {
  static const std::vector<ExitClass> all = {
      {"hlt", {"hlt"}},
      {"cpuid", {"cpuid"}},
      {"io", {"ioio", "io_instruction"}},
      {"msr", {"msr", "msr_read", "msr_write"}},
      {"page_fault", {"npf", "ept_violation", "ept_misconfig"}},
      {"interrupt", {"intr", "external_interrupt", "preemption_timer"}},
      {"pause", {"pause", "pause_instruction"}},
      {"hypercall", {"vmmcall", "vmcall"}},
      {"nested", {"vmrun", "vmresume"}},
      {kOtherExit, {kOtherExit, "vintr", "avic_incomplete_ipi", "vmgexit"}},
  };
  return all;
}

std::string named(std::string_view before, std::string_view name) {
  return std::string(before) + std::string(name);
}

using Counters = std::vector<FeatureCounter>;
constexpr auto kTime = FeatureCounterKind::kTime;
constexpr auto kCount = FeatureCounterKind::kCount;

void add_states(Counters& all) {
  for (uint32_t i = 0; i < FLOW_STATES; i++) {
    const auto name = state_name(static_cast<flow_state>(i)).name;
    all.push_back({named("time_", name),
                   kTime,
                   "vmflow_vm_vcpu_seconds_total",
                   "state",
                   {name},
                   [i](const VmFlow& vm) { return vm.time.state_ns[i]; }});
  }
  all.push_back({"time_unaccounted",
                 kTime,
                 "vmflow_vm_vcpu_unaccounted_seconds_total",
                 "",
                 {},
                 [](const VmFlow& vm) { return vm.time.unaccounted_ns; }});
}

void add_waits(Counters& all) {
  for (uint32_t i = 0; i < kWaitReasons; i++) {
    const auto name = wait_reason_name(static_cast<WaitReason>(i));
    const auto ns = [i](const VmFlow& vm) { return vm.wait_ns[i]; };
    constexpr std::string_view kMetric = "vmflow_vm_wait_seconds_total";
    all.push_back({named("wait_", name), kTime, kMetric, "reason", {name}, ns});
    all.push_back({named("ended_wait_", name), kTime, kMetric, "reason", {name}, ns});
    all.push_back({named("waits_", name),
                   kCount,
                   "vmflow_vm_wait_duration_seconds_count",
                   "reason",
                   {name},
                   [i](const VmFlow& vm) { return count_of(vm.wait_durations[i]); }});
  }
}

void add_preemptions(Counters& all) {
  for (uint32_t i = 0; i < FLOW_CULPRITS; i++) {
    if (!is_preempter(static_cast<flow_culprit>(i))) continue;
    const auto name = culprit_name(static_cast<flow_culprit>(i));
    all.push_back({named("preempted_", name),
                   kCount,
                   "vmflow_vm_preemptions_total",
                   "culprit",
                   {name},
                   [i](const VmFlow& vm) { return vm.preemptions[i]; }});
  }
}

void add_exits(Counters& all) {
  all.push_back({"exits", kCount, "vmflow_vm_exits_total", "", {}, [](const VmFlow& vm) {
                   uint64_t count = 0;
                   for (const auto& exit : vm.folded_exits) count += exit.count;
                   return count;
                 }});
  for (const auto& one : classes())
    all.push_back({named("exits_", one.name), kCount, "vmflow_vm_exits_total", "reason",
                   one.reasons, [name = one.name](const VmFlow& vm) {
                     uint64_t count = 0;
                     for (const auto& exit : vm.folded_exits)
                       if (exit_class(exit.reason) == name) count += exit.count;
                     return count;
                   }});
}

void add_interrupts(Counters& all) {
  for (uint32_t i = 0; i < kWaitReasons; i++) {
    const auto name = wait_reason_name(static_cast<WaitReason>(i));
    all.push_back({named("interrupts_", name),
                   kCount,
                   "vmflow_vm_interrupts_total",
                   "class",
                   {name},
                   [i](const VmFlow& vm) {
                     return vm.interrupts ? std::optional((*vm.interrupts)[i]) : std::nullopt;
                   }});
  }
}

template <typename Read>
auto of_disk(uint32_t op, Read read) {
  return [op, read](const VmFlow& vm) {
    return vm.disk ? std::optional<uint64_t>(read(vm.disk->done[op])) : std::nullopt;
  };
}

void add_disk(Counters& all) {
  for (uint32_t op = 0; op < FLOW_DISK_OPS; op++) {
    const auto name = disk_op_name(static_cast<flow_disk_op>(op));
    const auto add = [&](std::string_view what, FeatureCounterKind kind, std::string_view metric,
                         auto read) {
      all.push_back({"disk_" + named(name, what), kind, metric, "op", {name}, of_disk(op, read)});
    };
    add("_operations", kCount, "vmflow_vm_disk_operations_total",
        [](const disk_count& done) { return done.operations; });
    add("_bytes", kCount, "vmflow_vm_disk_bytes_total",
        [](const disk_count& done) { return done.bytes; });
    add("_time", kTime, "vmflow_vm_disk_seconds_total",
        [](const disk_count& done) { return done.ns; });
  }
}

template <typename Read>
auto of_net(Read read) {
  return [read](const VmFlow& vm) {
    return vm.net ? std::optional<uint64_t>(read(vm.net->received)) : std::nullopt;
  };
}

template <typename Read>
auto of_tap(Read read) {
  return [read](const VmFlow& vm) {
    return vm.net && vm.net->tap ? std::optional<uint64_t>(read(*vm.net->tap)) : std::nullopt;
  };
}

void add_net(Counters& all) {
  constexpr std::string_view kPackets = "vmflow_vm_net_packets_total";
  constexpr std::string_view kBytes = "vmflow_vm_net_bytes_total";
  constexpr std::string_view kLabel = "direction";
  constexpr bool kOnlyWithTap = true;
  using Tap = NetFlow::Tap;
  all.push_back({"net_receive_packets",
                 kCount,
                 kPackets,
                 kLabel,
                 {"receive"},
                 of_net([](const net_count& count) { return count.packets; })});
  all.push_back(
      {"net_receive_bytes", kCount, kBytes, kLabel, {"receive"}, of_net([](const net_count& count) {
         return count.bytes;
       })});
  all.push_back({"net_transmit_packets",
                 kCount,
                 kPackets,
                 kLabel,
                 {"transmit"},
                 of_tap([](const Tap& tap) { return tap.transmitted.packets; }),
                 kOnlyWithTap});
  all.push_back({"net_transmit_bytes",
                 kCount,
                 kBytes,
                 kLabel,
                 {"transmit"},
                 of_tap([](const Tap& tap) { return tap.transmitted.bytes; }),
                 kOnlyWithTap});
  all.push_back(
      {"net_wait", kTime, "vmflow_vm_net_wait_seconds_total", "", {}, of_tap([](const Tap& tap) {
         return tap.waited_ns;
       })});
}

}  // namespace

std::string_view exit_class(std::string_view reason) {
  for (const auto& one : classes())
    if (std::ranges::find(one.reasons, reason) != one.reasons.end()) return one.name;
  return kOtherExit;
}

std::span<const std::string_view> exit_classes() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const auto& one : classes()) all.push_back(one.name);
    return all;
  }();
  return names;
}

std::span<const FeatureCounter> feature_counters() {
  static const Counters counters = [] {
    Counters all;
    add_states(all);
    add_waits(all);
    add_preemptions(all);
    add_exits(all);
    add_interrupts(all);
    add_disk(all);
    add_net(all);
    all.push_back({"poll_fail",
                   kTime,
                   "vmflow_vm_halt_poll_fail_seconds_total",
                   "",
                   {},
                   [](const VmFlow& vm) { return vm.poll_fail_ns; }});
    all.push_back(
        {"idle", FeatureCounterKind::kGauge, "vmflow_vm_idle", "", {}, [](const VmFlow& vm) {
           const auto kind = vm.use.kind;
           return kind == VmUseKind::kUnknown
                      ? std::nullopt
                      : std::optional<uint64_t>(kind == VmUseKind::kIdle ? 1 : 0);
         }});
    return all;
  }();
  return counters;
}

size_t feature_counter(std::string_view name) {
  const auto all = feature_counters();
  return static_cast<size_t>(std::ranges::find(all, name, &FeatureCounter::name) - all.begin());
}

}  // namespace vmflow
