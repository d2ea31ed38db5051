// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/nested_life.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "analysis/exit_reason.h"
#include "analysis/nested.h"
#include "analysis/nested_visit.h"

namespace vmflow {
namespace {

// A guest that runs itself, or two that run each other, are what a broken trace tells.
constexpr uint32_t kDeepest = 16;

/// A visit, and on which vCPU.
struct Visit : NestedVisit {
  const ReplayedVcpu* on = nullptr;
};

class Builder {
 public:
  Builder(VmKey vm, const ReplayResult& replay)
      : replay_(replay),
        vendor_(replay.snapshot.host.vendor),
        ids_(nested_vm_ids(replay.snapshot, vm)),
        masks_(ids_) {
    for (const auto& vcpu : replay.vcpus) {
      if (vcpu.vm != vm) continue;
      masks_.take(vcpu.samples);
      for (const auto& visit : nested_visits(vcpu))
        if (visit.vmcb12 != NESTED_UNTOLD) visits_[visit.vmcb12].push_back({visit, &vcpu});
    }
    for (auto& [vmcb12, visits] : visits_)
      std::ranges::stable_sort(visits, {}, &NestedVisit::begin_ns);
  }

  std::vector<NestedVcpu> build() {
    for (const auto& [vmcb12, visits] : visits_) find_parent(vmcb12, visits);
    std::vector<NestedVcpu> vcpus;
    for (const auto& [vmcb12, visits] : visits_) vcpus.push_back(life_of(vmcb12, visits));
    std::ranges::stable_sort(vcpus, {}, [](const NestedVcpu& vcpu) {
      return vcpu.stretches.empty() ? 0 : vcpu.stretches.front().begin_ns;
    });
    return vcpus;
  }

 private:
  /// Its hypervisor is a nested guest if it mostly runs right after that has executed a VMRUN.
  void find_parent(uint64_t vmcb12, const std::vector<Visit>& visits) {
    std::map<uint64_t, uint64_t> runs;
    for (const auto& visit : visits)
      if (visit.before != 0 && runs_a_guest(visit.before_left_with)) runs[visit.before]++;
    for (const auto& [before, count] : runs)
      if (count * 2 > visits.size()) parents_[vmcb12] = before;
  }

  bool runs_a_guest(uint32_t exit_index) const {
    return exit_index < FLOW_EXIT_CODES &&
           nested_runs_a_guest(vendor_ == Vendor::kVmx ? 1 : 0, exit_index);
  }

  uint64_t parent_of(uint64_t vmcb12) const {
    const auto parent = parents_.find(vmcb12);
    return parent == parents_.end() ? 0 : parent->second;
  }

  uint32_t level_of(uint64_t vmcb12) const {
    uint32_t level = 2;
    for (; level < kDeepest && (vmcb12 = parent_of(vmcb12)) != 0; level++) {
    }
    return level;
  }

  NestedVcpu life_of(uint64_t vmcb12, const std::vector<Visit>& visits) const {
    NestedVcpu life;
    life.vmcb12 = vmcb12;
    life.nested_vm = ids_.contains(vmcb12) ? ids_.at(vmcb12) : vmcb12;
    life.level = level_of(vmcb12);
    life.parent = parent_of(vmcb12);
    if (life.parent == 0) life.owner = owner_of(visits);
    const Visit* last = nullptr;
    for (const auto& visit : visits) {
      if (last) add_gap(life, *last, visit);
      add_visit(life, visit);
      last = &visit;
    }
    return life;
  }

  /// Whose page tables the VM had when it entered it first.
  std::optional<GuestProcessKey> owner_of(const std::vector<Visit>& visits) const {
    for (const auto& visit : visits) {
      const auto& samples = visit.on->samples;
      const auto sample = std::ranges::lower_bound(samples, visit.begin_ns, {}, &GuestSample::ns);
      if (sample != samples.end() && sample->ns == visit.begin_ns && sample->vmcb12 == 0)
        return masks_.key(*sample);
    }
    return std::nullopt;
  }

  void add_visit(NestedVcpu& life, const Visit& visit) const {
    const auto& intervals = visit.on->intervals;
    auto from = std::ranges::upper_bound(intervals, visit.begin_ns, {}, &ReplayInterval::end_ns);
    for (; from != intervals.end() && from->begin_ns < visit.end_ns; ++from) {
      NestedStretch stretch = state_of(*from);
      stretch.begin_ns = std::max(from->begin_ns, visit.begin_ns);
      stretch.end_ns = std::min(from->end_ns, visit.end_ns);
      stretch.vcpu_id = visit.on->vcpu_id;
      add(life, stretch);
    }
  }

  /// Of the vCPU that is at work for it.
  static NestedStretch state_of(const ReplayInterval& interval) {
    NestedStretch stretch;
    switch (interval.state) {
      case FLOW_GUEST_NESTED:
        stretch.state = NestedState::kRunning;
        break;
      case FLOW_GUEST:
        stretch.state = NestedState::kHypervisor;
        break;
      case FLOW_KVM:
      case FLOW_VMM:
        stretch.state = NestedState::kHost;
        break;
      case FLOW_READY:
      case FLOW_THROTTLED:
        stretch.state = NestedState::kReady;
        stretch.culprit = interval.culprit;
        break;
      case FLOW_HALTED:
      case FLOW_HALT_POLL:
        stretch.state = NestedState::kWaiting;
        stretch.reason = wait_reason(interval.wait);
        break;
      case FLOW_VMM_BLOCKED:
      case FLOW_PAUSED:
        stretch.state = NestedState::kStopped;
        break;
      case FLOW_UNKNOWN:
        break;
    }
    return stretch;
  }

  /// What it did from when its vCPU turned to something else until it was entered again.
  void add_gap(NestedVcpu& life, const Visit& last, const Visit& next) const {
    NestedStretch gap{
        .begin_ns = last.end_ns, .end_ns = next.begin_ns, .vcpu_id = next.on->vcpu_id};
    const bool is_after_other = next.before != 0 && next.before != life.vmcb12;
    if (last.left_with == FLOW_EXIT_NONE) {
      gap.state = NestedState::kUnknown;
    } else if (runs_a_guest(last.left_with) && is_after_other &&
               parent_of(next.before) == life.vmcb12) {
      gap.state = NestedState::kOwnGuest;
      gap.by = next.before;
    } else if (last.left_with == halt_exit(vendor_) || next.after_halt) {
      gap.state = NestedState::kWaiting;
      gap.reason = ended_by(gap, *next.on);
    } else if (is_after_other && next.before == life.parent) {
      gap.state = NestedState::kHypervisor;
    } else {
      gap.state = NestedState::kPreempted;
      gap.by = is_after_other ? next.before : 0;
    }
    add(life, gap);
  }

  /// By the last interrupt that its vCPU was given meanwhile.
  static WaitReason ended_by(const NestedStretch& gap, const ReplayedVcpu& vcpu) {
    const auto after = std::ranges::upper_bound(vcpu.interrupts, gap.end_ns + kTogetherNs, {},
                                                &GivenInterrupt::ns);
    if (after == vcpu.interrupts.begin() || std::prev(after)->ns < gap.begin_ns)
      return WaitReason::kUnknown;
    return wait_reason(std::prev(after)->kind);
  }

  void add(NestedVcpu& life, NestedStretch stretch) const {
    // Entered on two vCPUs at once, as hostile guests may: counted once.
    if (!life.stretches.empty())
      stretch.begin_ns = std::max(stretch.begin_ns, life.stretches.back().end_ns);
    if (stretch.begin_ns >= stretch.end_ns) return;
    const uint64_t ns = stretch.end_ns - stretch.begin_ns;
    life.state_ns[static_cast<size_t>(stretch.state)] += ns;
    if (stretch.state == NestedState::kWaiting)
      life.wait_ns[static_cast<size_t>(stretch.reason)] += ns;
    if (stretch.state == NestedState::kPreempted) life.preempted_by_ns[stretch.by] += ns;
    if (stretch.state == NestedState::kReady)
      life.ready_ns[stretch.culprit < replay_.culprits.size()
                        ? replay_.culprits[stretch.culprit].kind
                        : FLOW_CULPRIT_UNKNOWN] += ns;
    auto* const back = life.stretches.empty() ? nullptr : &life.stretches.back();
    if (back && back->end_ns == stretch.begin_ns && back->state == stretch.state &&
        back->reason == stretch.reason && back->vcpu_id == stretch.vcpu_id &&
        back->culprit == stretch.culprit && back->by == stretch.by)
      back->end_ns = stretch.end_ns;
    else
      life.stretches.push_back(stretch);
  }

  const ReplayResult& replay_;
  const Vendor vendor_;
  const std::map<uint64_t, uint64_t> ids_;
  AddressMasks masks_;
  std::map<uint64_t, std::vector<Visit>> visits_;
  std::map<uint64_t, uint64_t> parents_;
};

}  // namespace

std::string_view nested_state_name(NestedState state) {
  switch (state) {
    case NestedState::kRunning:
      return "running";
    case NestedState::kOwnGuest:
      return "own_guest";
    case NestedState::kHypervisor:
      return "hypervisor";
    case NestedState::kHost:
      return "host";
    case NestedState::kReady:
      return "ready";
    case NestedState::kPreempted:
      return "preempted";
    case NestedState::kWaiting:
      return "waiting";
    case NestedState::kStopped:
      return "stopped";
    case NestedState::kUnknown:
      break;
  }
  return "unknown";
}

uint64_t NestedVcpu::whole_ns() const {
  return std::accumulate(state_ns.begin(), state_ns.end(), uint64_t{0});
}

std::vector<VmNested> nested_lives(const ReplayResult& replay) {
  std::set<VmKey> vms;
  for (const auto& vcpu : replay.vcpus)
    if (!vcpu.nested.empty()) vms.insert(vcpu.vm);
  std::vector<VmNested> all;
  for (const auto& vm : vms)
    if (auto vcpus = Builder(vm, replay).build(); !vcpus.empty())
      all.push_back({vm, std::move(vcpus)});
  return all;
}

}  // namespace vmflow
