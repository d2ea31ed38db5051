// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vm_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "analysis/amount_text.h"
#include "analysis/flow_model.h"

namespace vmflow {
namespace {

// Of one CPU: a Linux guest that is left alone takes a tenth of that, one with 1,000 ticks a second
// less than all of it.
constexpr double kIdleCpu = 0.03;
// A second: what a guest's own housekeeping comes to (logs, ARP, DHCP, entropy, RCU).
constexpr double kIdleDisk = 0.2, kIdlePackets = 0.2, kIdleDevices = 0.5, kIdleIpis = 10;
// A second: what a network's broadcasts come to. What is sent to it is no sign that it works, more
// than that may be all that it is there for.
constexpr double kIdleReceived = 10;
// Of vCPU time: it waits for something that does not come.
constexpr double kIdleWaits = 0.03;
constexpr double kStopped = 0.5;
// Of one vCPU's time: ticks and wake-ups to do nothing.
constexpr double kUnusedVcpu = 0.01;
// Of its vCPUs.
constexpr double kOversized = 0.5;

uint64_t grown(uint64_t now, uint64_t before) {
  return now - std::min(now, before);
}

uint64_t waits_of(const VmFlow& vm, WaitReason reason) {
  return count_of(vm.wait_durations[static_cast<uint32_t>(reason)]);
}

uint64_t given_to(const VmFlow& vm, WaitReason reason) {
  return vm.interrupts ? (*vm.interrupts)[static_cast<uint32_t>(reason)] : 0;
}

double rate(uint64_t count, uint64_t ns) {
  return ns == 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(ns);
}

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string span_text(uint64_t ns) {
  constexpr uint64_t kMinute = 60'000'000'000;
  return ns < 2 * kMinute ? time_text(ns) : fmt::format("{} min", (ns + kMinute / 2) / kMinute);
}

std::string rate_text(double per_second) {
  return fmt::format("{:.{}f}", per_second, per_second < 9.95 ? 1 : 0);
}

std::string cpu_text(const VmUse& use) {
  return fmt::format("{:.1f} % of a CPU", 100 * share(use.happened.wanted_ns, use.window_ns));
}

std::string disk_text(const VmUse& use) {
  const auto requests = use.happened.disk_requests;
  if (requests == 0) return "no disk";
  return fmt::format("{} disk requests a second", rate_text(rate(requests, use.window_ns)));
}

std::string net_text(const VmUse& use) {
  const auto& happened = use.happened;
  if (happened.packets_sent == 0 && happened.packets_received == 0) return "no network";
  if (happened.packets_sent == 0) return "no packet sent";
  return fmt::format("{} packets a second {}",
                     rate_text(rate(happened.packets_sent, use.window_ns)),
                     happened.tells_sent ? "sent" : "received");
}

/// What an idle VM does not do, of what this one did.
std::vector<std::string> work(const VmUse& use) {
  const auto& happened = use.happened;
  const auto ns = use.window_ns;
  std::vector<std::string> all;
  if (share(happened.wanted_ns, ns) > kIdleCpu) all.push_back(cpu_text(use));
  if (rate(happened.disk_requests, ns) > kIdleDisk) all.push_back(disk_text(use));
  if (rate(happened.packets_sent, ns) > kIdlePackets) all.push_back(net_text(use));
  if (happened.tells_sent && rate(happened.packets_received, ns) > kIdleReceived)
    all.push_back(fmt::format("{} packets a second received",
                              rate_text(rate(happened.packets_received, ns))));
  if (rate(happened.devices, ns) > kIdleDevices)
    all.push_back(
        fmt::format("{} interrupts of devices a second", rate_text(rate(happened.devices, ns))));
  if (rate(happened.ipis, ns) > kIdleIpis)
    all.push_back(fmt::format("{} interrupts between its vCPUs a second",
                              rate_text(rate(happened.ipis, ns))));
  if (share(happened.disk_pending_ns, happened.whole_ns) > kIdleWaits)
    all.push_back(fmt::format("{} of its time a disk request is in flight",
                              share_text(happened.disk_pending_ns, happened.whole_ns)));
  if (share(happened.blocked_ns, happened.whole_ns) > kIdleWaits)
    all.push_back(fmt::format("{} of its time it waits for memory or its VMM",
                              share_text(happened.blocked_ns, happened.whole_ns)));
  return all;
}

bool is_stopped(const VmUse& use) {
  return share(use.happened.paused_ns, use.happened.whole_ns) >= kStopped;
}

VmUseKind kind_of(const VmUse& use) {
  if (use.window_ns == 0 || use.happened.whole_ns == 0 || is_stopped(use))
    return VmUseKind::kUnknown;
  if (work(use).empty()) return VmUseKind::kIdle;
  const bool is_large = use.most_vcpus <= kOversized * use.vcpus || use.unused_vcpus > 0;
  return use.vcpus > 1 && is_large ? VmUseKind::kOversized : VmUseKind::kInUse;
}

}  // namespace

VmUsePoint vm_use_point(const VmFlow& vm) {
  const auto& ns = vm.time.state_ns;
  VmUsePoint point{
      .whole_ns = std::accumulate(ns.begin(), ns.end(), vm.time.unaccounted_ns),
      .wanted_ns = wanted_ns(ns),
      .blocked_ns = vm.block_ns[FLOW_BLOCK_MEMORY] + vm.block_ns[FLOW_BLOCK_IO] +
                    vm.open_wait_ns[FLOW_VMM_BLOCKED],
      .paused_ns = ns[FLOW_PAUSED],
      .timers = waits_of(vm, WaitReason::kTimer),
      .ipis = std::max(given_to(vm, WaitReason::kTask), waits_of(vm, WaitReason::kTask)),
      .devices = std::max(given_to(vm, WaitReason::kDevice), waits_of(vm, WaitReason::kDevice)) +
                 waits_of(vm, WaitReason::kPassthrough),
      .vcpus = {}};
  if (vm.disk) {
    point.disk_pending_ns = vm.disk->halted_ns;
    for (const auto& done : vm.disk->done) point.disk_requests += done.operations;
  }
  if (vm.net) {
    point.tells_sent = vm.net->tap.has_value();
    point.packets_received = vm.net->received.packets;
    point.packets_sent =
        point.tells_sent ? vm.net->tap->transmitted.packets : point.packets_received;
  }
  for (const auto& vcpu : vm.per_vcpu)
    point.vcpus.push_back({vcpu.vcpu_id, wanted_ns(vcpu.time.state_ns)});
  return point;
}

VmUsePoint operator-(const VmUsePoint& now, const VmUsePoint& before) {
  VmUsePoint happened{
      .whole_ns = grown(now.whole_ns, before.whole_ns),
      .wanted_ns = grown(now.wanted_ns, before.wanted_ns),
      .blocked_ns = grown(now.blocked_ns, before.blocked_ns),
      .paused_ns = grown(now.paused_ns, before.paused_ns),
      .disk_pending_ns = grown(now.disk_pending_ns, before.disk_pending_ns),
      .timers = grown(now.timers, before.timers),
      .ipis = grown(now.ipis, before.ipis),
      .devices = grown(now.devices, before.devices),
      .disk_requests = grown(now.disk_requests, before.disk_requests),
      // Once a tap is there, it is told what the VM sends: no more what it has read.
      .packets_sent = now.tells_sent == before.tells_sent
                          ? grown(now.packets_sent, before.packets_sent)
                          : now.packets_sent,
      .packets_received = grown(now.packets_received, before.packets_received),
      .tells_sent = now.tells_sent,
      .vcpus = {}};
  for (const auto& vcpu : now.vcpus) {
    const auto was = std::ranges::lower_bound(before.vcpus, vcpu.id, {}, &VmUsePoint::Vcpu::id);
    const bool is_known = was != before.vcpus.end() && was->id == vcpu.id;
    happened.vcpus.push_back({vcpu.id, grown(vcpu.wanted_ns, is_known ? was->wanted_ns : 0)});
  }
  return happened;
}

std::string_view vm_use_name(VmUseKind kind) {
  switch (kind) {
    case VmUseKind::kUnknown:
      return "unknown";
    case VmUseKind::kIdle:
      return "idle";
    case VmUseKind::kOversized:
      return "oversized";
    case VmUseKind::kInUse:
      return "in_use";
  }
  return "unknown";
}

VmUse judge_vm_use(VmUsePoint happened, uint64_t window_ns, uint32_t vcpus, double most_vcpus) {
  VmUse use{.window_ns = window_ns,
            .vcpus = vcpus,
            .most_vcpus = most_vcpus,
            .happened = std::move(happened)};
  use.unused_vcpus =
      static_cast<uint32_t>(std::ranges::count_if(use.happened.vcpus, [&](const auto& vcpu) {
        return share(vcpu.wanted_ns, window_ns) < kUnusedVcpu;
      }));
  use.kind = kind_of(use);
  return use;
}

std::string vm_use_sentence(const VmUse& use) {
  const auto span = span_text(use.window_ns);
  switch (use.kind) {
    case VmUseKind::kUnknown:
      return use.window_ns != 0 && is_stopped(use) ? "it is stopped"
                                                   : "not seen for long enough yet";
    case VmUseKind::kIdle:
      return fmt::format("{}, {} timer wake-ups a second, {}, {} for {}", cpu_text(use),
                         rate_text(rate(use.happened.timers, use.window_ns)), disk_text(use),
                         net_text(use), span);
    case VmUseKind::kOversized:
      return fmt::format(
          "used {:.1f} of {} at most in a second of {}{}", use.most_vcpus,
          counted_text(use.vcpus, "vCPU"), span,
          use.unused_vcpus == 0
              ? ""
              : fmt::format("; {} did nothing", counted_text(use.unused_vcpus, "vCPU")));
    case VmUseKind::kInUse:
      return fmt::format("{} for {}", fmt::join(work(use), ", "), span);
  }
  return "";
}

}  // namespace vmflow
