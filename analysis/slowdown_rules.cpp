// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_rules.h"

#include <algorithm>

#include "analysis/flow_model.h"

namespace vmflow {
namespace {

// From this share on that others take, what is left is the work itself and no slowdown.
constexpr uint64_t kOthersTookParts = 5;
// No healthy disk needs longer for a request, if it serves one at a time.
constexpr uint64_t kSlowRequestNs = 25'000'000;
// An exit storm takes so much of the CPU time, and a twentieth of all; a few exits a second take as
// much of the CPU time of a VM that sleeps.
constexpr double kStorm = 0.3;
constexpr uint64_t kStormParts = 20;
// Exits that take longer are slow, and no storm.
constexpr uint64_t kSlowExitNs = 10'000'000;

uint64_t grown(uint64_t now, uint64_t before) {
  return now - std::min(now, before);
}

/// Halted time with a disk request in flight, by whose fault that is.
struct DiskSplit {
  uint64_t others_ns = 0;
  uint64_t held_ns = 0;
  uint64_t slow_ns = 0;
  uint64_t own_ns = 0;
};

DiskSplit disk_split(const SlowdownPoint& happened) {
  const uint64_t halted_ns = happened.disk_halted_ns;
  DiskSplit split;
  split.others_ns = std::min(halted_ns, happened.disk_waited_ns);
  split.held_ns = std::min(halted_ns - split.others_ns, happened.disk_held_ns);
  const uint64_t rest_ns = halted_ns - split.others_ns - split.held_ns;
  if ((split.others_ns + split.held_ns) * kOthersTookParts >= halted_ns) return split;
  const bool is_slow = rest_ns / std::max<uint64_t>(happened.disk_operations, 1) > kSlowRequestNs;
  (is_slow ? split.slow_ns : split.own_ns) = rest_ns;
  return split;
}

/// CPU time of vCPUs that have work nearly all the time, and of an exit storm of any of them.
struct BusyTime {
  uint64_t emulation_ns = 0;
  uint64_t nested_ns = 0;
  uint64_t storm_ns = 0;
  uint64_t work_ns = 0;
};

BusyTime busy_time(const SlowdownPoint& happened) {
  BusyTime busy;
  uint64_t on_cpu = 0;
  for (const auto& vcpu : happened.vcpus) {
    if (!vcpu.is_busy()) continue;
    on_cpu += vcpu.on_cpu_ns;
    busy.emulation_ns += vcpu.vmm_ns;
  }
  const uint64_t all_on_cpu = on_cpu_ns(happened.state_ns);
  on_cpu = std::min(on_cpu, all_on_cpu);
  busy.emulation_ns = std::min(busy.emulation_ns, on_cpu);
  busy.nested_ns = std::min(happened.nested_ns, on_cpu - busy.emulation_ns);
  busy.work_ns = on_cpu - busy.emulation_ns - busy.nested_ns;
  const uint64_t rest_ns = all_on_cpu - busy.emulation_ns - busy.nested_ns;
  if (const auto storm = exit_storm(happened)) busy.storm_ns = std::min(storm->ns, rest_ns);
  busy.work_ns = std::min(busy.work_ns, rest_ns - busy.storm_ns);
  return busy;
}

/// Did others take so much that the rest of what it wanted is the work itself?
bool others_took_cpu(const SlowdownPoint& happened) {
  const uint64_t own_ns = happened.culprit_ns[FLOW_CULPRIT_OWN_VM];
  const uint64_t taken_ns =
      grown(happened.state_ns[FLOW_READY], own_ns) + happened.state_ns[FLOW_THROTTLED];
  return taken_ns * kOthersTookParts >= std::max<uint64_t>(happened.wanted_ns(), 1);
}

/// A part of time. Shape: `share` from 0 to 1.
uint64_t part(uint64_t ns, double share) {
  return std::min(ns, static_cast<uint64_t>(static_cast<double>(ns) * std::clamp(share, 0.0, 1.0)));
}

constexpr std::array<SlowdownRule, kSlowdownKinds> kRules{{
    {SlowdownKind::kCpuOtherVm, "cpu_other_vm", Cause::kOtherVm, "another VM had its CPU"},
    {SlowdownKind::kDiskOtherVm, "disk_other_vm", Cause::kOtherVm, "its disk served other VMs"},
    {SlowdownKind::kCpuHostTask, "cpu_host_task", Cause::kPlatform,
     "a task of the host had its CPU"},
    {SlowdownKind::kCpuKernelThread, "cpu_kernel_thread", Cause::kPlatform,
     "a kernel thread had its CPU"},
    {SlowdownKind::kCpuInterrupts, "cpu_interrupts", Cause::kPlatform,
     "the host's interrupts had its CPU"},
    {SlowdownKind::kCpuIdle, "cpu_idle", Cause::kPlatform, "it was woken late on an idle CPU"},
    {SlowdownKind::kQuota, "quota", Cause::kPlatform, "its CPU quota was used up"},
    {SlowdownKind::kMemory, "memory", Cause::kPlatform, "pages of its memory were not there"},
    {SlowdownKind::kVmmIo, "vmm_io", Cause::kPlatform, "its VMM waited to read or write"},
    {SlowdownKind::kVmmLock, "vmm_lock", Cause::kPlatform, "its VMM waited for a lock"},
    {SlowdownKind::kVmmOther, "vmm_other", Cause::kPlatform, "its VMM slept"},
    {SlowdownKind::kPaused, "paused", Cause::kPlatform, "it was stopped"},
    {SlowdownKind::kDiskHeld, "disk_held", Cause::kPlatform, "io.max held its disk requests back"},
    {SlowdownKind::kDiskSlow, "disk_slow", Cause::kPlatform,
     "its disk took long for every request"},
    {SlowdownKind::kNetBackend, "net_backend", Cause::kPlatform,
     "packets for it were not fetched from its tap"},
    {SlowdownKind::kEmulation, "emulation", Cause::kPlatform, "its VMM emulated devices"},
    {SlowdownKind::kNestedHypervisors, "nested_hypervisors", Cause::kPlatform,
     "hypervisors worked for its nested guests"},
    {SlowdownKind::kProcesses, "processes", Cause::kInsideVm,
     "its processes waited for one another's vCPU"},
    {SlowdownKind::kExitStorm, "exit_storm", Cause::kOwnLoad,
     "exits of one kind took much of its CPU time"},
    {SlowdownKind::kOwnWork, "own_work", Cause::kOwnLoad, "its vCPUs had work all the time"},
    {SlowdownKind::kOwnDisk, "own_disk", Cause::kOwnLoad,
     "it waited for a disk that served it alone"},
    {SlowdownKind::kOwnThreads, "own_threads", Cause::kOwnLoad,
     "its other vCPUs and threads had its CPU"},
    {SlowdownKind::kUntold, "untold", Cause::kUnknown,
     "it was limited by itself, and whether by its load or by contention inside it is not told: "
     "that needs --trace.registers"},
    {SlowdownKind::kDiskUntold, "disk_untold", Cause::kUnknown,
     "it waited for its disk, and whose fault that is is not known"},
    {SlowdownKind::kCpuUnknown, "cpu_unknown", Cause::kUnknown, "who had its CPU is not known"},
    {SlowdownKind::kUnaccounted, "unaccounted", Cause::kUnknown,
     "what it did is not accounted for"},
}};

/// What is the VM's own: told apart, or not.
void add_own(SlowdownSums& sums, const SlowdownPoint& happened, uint64_t work_ns, uint64_t disk_ns,
             const std::optional<GuestContention>& processes) {
  const auto put = [&](SlowdownKind kind, uint64_t ns) {
    sums[static_cast<uint32_t>(processes ? kind : SlowdownKind::kUntold)] += ns;
  };
  const bool is_limit = !others_took_cpu(happened);
  const uint64_t fought_ns = processes ? part(work_ns, processes->behind_share) : 0;
  if (is_limit) put(SlowdownKind::kOwnWork, work_ns - fought_ns);
  put(SlowdownKind::kProcesses, fought_ns);
  put(SlowdownKind::kOwnDisk, disk_ns);
  put(SlowdownKind::kOwnThreads, happened.culprit_ns[FLOW_CULPRIT_OWN_VM]);
}

}  // namespace

std::span<const SlowdownRule> slowdown_rules() {
  return kRules;
}

const SlowdownRule& slowdown_rule(SlowdownKind kind) {
  return kRules[static_cast<uint32_t>(kind)];
}

std::optional<SlowdownPoint::Exit> exit_storm(const SlowdownPoint& happened) {
  const SlowdownPoint::Exit* most = nullptr;
  for (const auto& exit : happened.exits)
    if (exit.ns / kSlowExitNs < exit.count && (most == nullptr || exit.ns > most->ns)) most = &exit;
  if (most == nullptr) return std::nullopt;
  auto storm = *most;
  // What of it is the VMM's time counts as emulation.
  storm.ns = std::min(storm.ns, happened.state_ns[FLOW_KVM]);
  const auto on_cpu = static_cast<double>(on_cpu_ns(happened.state_ns));
  const bool is_storm = storm.ns != 0 && static_cast<double>(storm.ns) >= kStorm * on_cpu &&
                        storm.ns >= happened.whole_ns() / kStormParts;
  return is_storm ? std::optional(std::move(storm)) : std::nullopt;
}

SlowdownSums slowdown_of(const SlowdownPoint& happened,
                         const std::optional<GuestContention>& processes) {
  SlowdownSums sums{};
  const auto set = [&](SlowdownKind kind, uint64_t ns) { sums[static_cast<uint32_t>(kind)] = ns; };
  const auto disk = disk_split(happened);
  const auto busy = busy_time(happened);
  const auto& culprit = happened.culprit_ns;
  set(SlowdownKind::kCpuOtherVm, culprit[FLOW_CULPRIT_OTHER_VM]);
  set(SlowdownKind::kCpuHostTask, culprit[FLOW_CULPRIT_HOST_TASK]);
  set(SlowdownKind::kCpuKernelThread, culprit[FLOW_CULPRIT_KERNEL_THREAD]);
  set(SlowdownKind::kCpuInterrupts, culprit[FLOW_CULPRIT_IRQ]);
  set(SlowdownKind::kCpuIdle, culprit[FLOW_CULPRIT_NONE]);
  set(SlowdownKind::kCpuUnknown, culprit[FLOW_CULPRIT_UNKNOWN]);
  set(SlowdownKind::kQuota, happened.state_ns[FLOW_THROTTLED]);
  set(SlowdownKind::kPaused, happened.state_ns[FLOW_PAUSED]);
  set(SlowdownKind::kMemory, happened.block_ns[FLOW_BLOCK_MEMORY]);
  set(SlowdownKind::kVmmIo, happened.block_ns[FLOW_BLOCK_IO]);
  set(SlowdownKind::kVmmLock, happened.block_ns[FLOW_BLOCK_LOCK]);
  set(SlowdownKind::kVmmOther, happened.block_ns[FLOW_BLOCK_OTHER]);
  set(SlowdownKind::kDiskOtherVm, disk.others_ns);
  set(SlowdownKind::kDiskHeld, disk.held_ns);
  set(SlowdownKind::kDiskSlow, disk.slow_ns);
  const uint64_t no_disk_ns = grown(happened.state_ns[FLOW_HALTED], happened.disk_halted_ns);
  const uint64_t untold_ns = std::min(happened.disk_untold_ns, no_disk_ns);
  set(SlowdownKind::kDiskUntold, untold_ns);
  set(SlowdownKind::kNetBackend, std::min(happened.net_halted_ns, no_disk_ns - untold_ns));
  set(SlowdownKind::kExitStorm, busy.storm_ns);
  set(SlowdownKind::kEmulation, busy.emulation_ns);
  set(SlowdownKind::kNestedHypervisors, busy.nested_ns);
  set(SlowdownKind::kUnaccounted, happened.unaccounted_ns);
  add_own(sums, happened, busy.work_ns, disk.own_ns, processes);
  return sums;
}

}  // namespace vmflow
