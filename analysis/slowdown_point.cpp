// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_point.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "analysis/flow_model.h"

namespace vmflow {
namespace {

// A vCPU that has work for so much of its time is limited by it.
constexpr double kBusy = 0.9;

uint64_t sum(std::span<const uint64_t> all) {
  return std::accumulate(all.begin(), all.end(), uint64_t{0});
}

uint64_t grown(uint64_t now, uint64_t before) {
  return now - std::min(now, before);
}

template <size_t kSize>
std::array<uint64_t, kSize> grown(const std::array<uint64_t, kSize>& now,
                                  const std::array<uint64_t, kSize>& before) {
  std::array<uint64_t, kSize> all{};
  for (size_t i = 0; i < kSize; i++) all[i] = grown(now[i], before[i]);
  return all;
}

/// Makes the parts sum to the whole: what is missing is put to `rest`.
template <size_t kSize>
void complete(std::array<uint64_t, kSize>& parts, size_t rest, uint64_t whole_ns) {
  for (auto& ns : parts) {
    ns = std::min(ns, whole_ns);
    whole_ns -= ns;
  }
  parts[rest] += whole_ns;
}

}  // namespace

bool SlowdownPoint::Vcpu::is_busy() const {
  return whole_ns != 0 && static_cast<double>(wanted_ns) >= kBusy * static_cast<double>(whole_ns);
}

uint64_t SlowdownPoint::whole_ns() const {
  return sum(state_ns) + unaccounted_ns;
}

uint64_t SlowdownPoint::wanted_ns() const {
  return vmflow::wanted_ns(state_ns);
}

SlowdownPoint slowdown_point(const VmFlow& vm) {
  SlowdownPoint point{.state_ns = vm.time.state_ns,
                      .unaccounted_ns = vm.time.unaccounted_ns,
                      .culprit_ns = vm.culprit_ns,
                      .block_ns = vm.block_ns,
                      .vcpus = {},
                      .exits = {}};
  if (vm.disk) {
    point.disk_halted_ns = vm.disk->halted_ns;
    point.disk_waited_ns = vm.disk->waited_ns;
    point.disk_held_ns = vm.disk->held_ns;
    for (const auto& done : vm.disk->done) point.disk_operations += done.operations;
  } else {
    point.disk_untold_ns =
        std::max(vm.wait_ns[static_cast<uint32_t>(WaitReason::kDisk)], vm.disk_pending_ns);
  }
  point.net_halted_ns = vm.net_pending_ns;
  if (vm.net) point.net_halted_ns = vm.net->tap ? vm.net->tap->halted_ns : 0;
  if (vm.levels) point.nested_ns = vm.levels->level_ns[FLOW_L0] + vm.levels->level_ns[FLOW_L1];
  for (const auto& vcpu : vm.per_vcpu) {
    const auto& ns = vcpu.time.state_ns;
    point.vcpus.push_back({vcpu.vcpu_id, on_cpu_ns(ns), ns[FLOW_VMM], wanted_ns(ns),
                           sum(ns) + vcpu.time.unaccounted_ns});
  }
  for (const auto& exit : vm.exits)
    if (!exit.is_interrupt) point.exits.push_back({exit.reason, exit.count, exit.ns});
  return point;
}

SlowdownPoint closed(SlowdownPoint point) {
  complete(point.culprit_ns, FLOW_CULPRIT_UNKNOWN, point.state_ns[FLOW_READY]);
  complete(point.block_ns, FLOW_BLOCK_OTHER, point.state_ns[FLOW_VMM_BLOCKED]);
  point.disk_halted_ns = std::min(point.disk_halted_ns, point.state_ns[FLOW_HALTED]);
  return point;
}

SlowdownPoint operator-(const SlowdownPoint& now, const SlowdownPoint& before) {
  SlowdownPoint happened{.state_ns = grown(now.state_ns, before.state_ns),
                         .unaccounted_ns = grown(now.unaccounted_ns, before.unaccounted_ns),
                         .culprit_ns = grown(now.culprit_ns, before.culprit_ns),
                         .block_ns = grown(now.block_ns, before.block_ns),
                         .disk_halted_ns = grown(now.disk_halted_ns, before.disk_halted_ns),
                         .disk_waited_ns = grown(now.disk_waited_ns, before.disk_waited_ns),
                         .disk_held_ns = grown(now.disk_held_ns, before.disk_held_ns),
                         .disk_operations = grown(now.disk_operations, before.disk_operations),
                         .disk_untold_ns = grown(now.disk_untold_ns, before.disk_untold_ns),
                         .net_halted_ns = grown(now.net_halted_ns, before.net_halted_ns),
                         .nested_ns = grown(now.nested_ns, before.nested_ns),
                         .vcpus = {},
                         .exits = {}};
  for (const auto& vcpu : now.vcpus) {
    const auto was =
        std::ranges::lower_bound(before.vcpus, vcpu.vcpu_id, {}, &SlowdownPoint::Vcpu::vcpu_id);
    SlowdownPoint::Vcpu base;
    if (was != before.vcpus.end() && was->vcpu_id == vcpu.vcpu_id) base = *was;
    happened.vcpus.push_back(
        {vcpu.vcpu_id, grown(vcpu.on_cpu_ns, base.on_cpu_ns), grown(vcpu.vmm_ns, base.vmm_ns),
         grown(vcpu.wanted_ns, base.wanted_ns), grown(vcpu.whole_ns, base.whole_ns)});
  }
  for (const auto& exit : now.exits) {
    const auto was = std::ranges::find(before.exits, exit.reason, &SlowdownPoint::Exit::reason);
    const auto base = was == before.exits.end() ? SlowdownPoint::Exit{} : *was;
    happened.exits.push_back({exit.reason, grown(exit.count, base.count), grown(exit.ns, base.ns)});
  }
  return happened;
}

}  // namespace vmflow
