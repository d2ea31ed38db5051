// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/build_graph.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <unordered_map>

#include "analysis/helper_threads.h"
#include "analysis/vcpu_chain.h"

namespace vmflow {
namespace {

// Between the wake-up of a vCPU and its entry into the guest: a CPU to wait for, and KVM.
constexpr int kStretchesLookedAt = 64;

/// A recorder beside the replay's may have begun later: until then nobody could be followed.
uint64_t told_from(const ReplayResult& replay, const ThreadLives& lives) {
  return lives.has_all_switches ? std::max(replay.first_ns, lives.first_ns) : replay.first_ns;
}

/// What was left out would be taken for what nobody recorded.
uint64_t told_until(const ReplayResult& replay, const ThreadLives& lives) {
  uint64_t end_ns = replay.last_ns, last_kept_ns = 0;
  bool is_full = false;
  for (const auto& vcpu : replay.vcpus) {
    is_full = is_full || vcpu.left_out > 0;
    if (!vcpu.intervals.empty())
      last_kept_ns = std::max(last_kept_ns, vcpu.intervals.back().end_ns);
  }
  if (is_full) end_ns = std::min(end_ns, last_kept_ns);
  if (lives.has_all_switches) end_ns = std::min(end_ns, lives.last_ns);
  return lives.full_ns == 0 ? end_ns : std::min(end_ns, lives.full_ns);
}

class Builder {
 public:
  Builder(const ReplayResult& replay, const ThreadLives& lives) : replay_(replay), lives_(lives) {
    graph_.begin_ns = told_from(replay, lives);
    graph_.end_ns = std::max(graph_.begin_ns, told_until(replay, lives));
    for (const auto& vcpu : replay.vcpus) vm_by_process_.try_emplace(vcpu.vm.tgid, vcpu.vm);
  }

  ExecutionGraph build(std::span<const VmProcesses> vms) {
    for (const auto& vcpu : replay_.vcpus) add_vcpu(vcpu);
    for (const auto& life : lives_.threads)
      if (!place_by_tid_.contains(life.tid) && !life.stretches.empty()) add_thread(life);
    const WorkerPlaces places{
        .thread = [this](uint32_t tid) { return place_of_thread(tid, Comm{}); },
        .vcpu = [this](VmKey vm, uint32_t id) { return place_of_vcpu(vm, id); },
        .culprit = [this](uint32_t culprit) { return place_of_culprit(culprit); }};
    for (uint32_t i = 0; i < replay_.vcpus.size(); i++) {
      const auto& vcpu = replay_.vcpus[i];
      graph_.chains[i] = vcpu_chain(vcpu, life_of(vcpu.tid), places);
    }
    for (const auto& life : lives_.threads) add_chain(life);
    for (const auto& vm : vms) add_processes(vm);
    return std::move(graph_);
  }

 private:
  uint32_t add(const Worker& worker) {
    graph_.workers.push_back(worker);
    graph_.chains.emplace_back();
    return static_cast<uint32_t>(graph_.workers.size() - 1);
  }

  void add_vcpu(const ReplayedVcpu& vcpu) {
    const auto* life = life_of(vcpu.tid);
    const uint32_t place = add({.kind = WorkerKind::kVcpu,
                                .vm = vcpu.vm,
                                .vcpu_id = vcpu.vcpu_id,
                                .tid = vcpu.tid,
                                .comm = life ? life->comm : Comm{}});
    place_by_vcpu_.try_emplace({vcpu.vm, vcpu.vcpu_id}, place);
    if (vcpu.tid != 0) place_by_tid_[vcpu.tid] = place;
  }

  const ThreadLife* life_of(uint32_t tid) const {
    const auto life = std::ranges::lower_bound(lives_.threads, tid, {}, &ThreadLife::tid);
    return life != lives_.threads.end() && life->tid == tid ? &*life : nullptr;
  }

  uint32_t add_thread(const ThreadLife& life) {
    Worker worker{.tid = life.tid, .comm = life.comm};
    uint32_t process = life.tgid;
    if (const uint32_t owner = vhost_owner(text_of(life.comm)); owner != 0) {
      worker.kind = WorkerKind::kVhost;
      const auto* owning = life_of(owner);
      // A thread of the VMM since 6.4, a kernel thread before.
      if (!vm_by_process_.contains(process))
        process = owning && owning->tgid != 0 ? owning->tgid : owner;
    }
    if (const auto vm = vm_by_process_.find(process); vm != vm_by_process_.end()) {
      worker.vm = vm->second;
      if (worker.kind != WorkerKind::kVhost) worker.kind = WorkerKind::kVmm;
    }
    return place_by_tid_[life.tid] = add(worker);
  }

  /// A worker of which nothing but its name is known has an empty chain.
  uint32_t place_of_thread(uint32_t tid, const Comm& comm, uint32_t tgid = 0) {
    if (tid == 0) return kNoWorker;
    if (const auto known = place_by_tid_.find(tid); known != place_by_tid_.end())
      return known->second;
    const auto* life = life_of(tid);
    return add_thread(life ? *life : ThreadLife{.tid = tid, .tgid = tgid, .comm = comm});
  }

  uint32_t place_of_vcpu(VmKey vm, uint32_t vcpu_id) const {
    const auto known = place_by_vcpu_.find({vm, vcpu_id});
    return known == place_by_vcpu_.end() ? kNoWorker : known->second;
  }

  uint32_t place_of_culprit(uint32_t place) {
    if (place == 0 || place >= replay_.culprits.size()) return kNoWorker;
    const auto& culprit = replay_.culprits[place];
    return place_of_thread(culprit.tid, culprit.comm, culprit.vm.tgid);
  }

  /// What is told of a thread that is no vCPU.
  void add_chain(const ThreadLife& life) {
    const auto known = place_by_tid_.find(life.tid);
    if (known == place_by_tid_.end() || known->second < replay_.vcpus.size()) return;
    const uint32_t place = known->second;
    std::vector<WorkStretch> chain;
    chain.reserve(life.stretches.size());
    for (const auto& each : life.stretches) {
      WorkStretch stretch{.begin_ns = each.begin_ns,
                          .end_ns = each.end_ns,
                          .wake_ns = each.end_ns,
                          .wake_cpu = each.wake_cpu};
      if (each.state != ThreadState::kRunning) stretch.by = place_of_thread(each.other, Comm{});
      if (each.state == ThreadState::kRunning)
        stretch.doing = Doing::kRunning;
      else if (each.state == ThreadState::kReady)
        stretch.doing = Doing::kReady;
      else
        stretch.doing = each.other != 0 ? Doing::kTask : Doing::kUnknown;
      append_stretch(chain, stretch);
    }
    graph_.chains[place] = std::move(chain);
  }

  void add_processes(const VmProcesses& vm) {
    const auto first = static_cast<uint32_t>(graph_.workers.size());
    for (const auto& process : vm.processes)
      add({.kind = WorkerKind::kProcess, .vm = vm.vm, .process = process.key});
    // Both are by time for each process: what it did comes in turns.
    size_t gap = 0;
    for (const auto& stretch : vm.stretches) {
      for (; gap < vm.gaps.size() && vm.gaps[gap].end_ns <= stretch.begin_ns; gap++)
        add_gap(vm, vm.gaps[gap], first);
      add_slices(graph_.chains[first + stretch.process], place_of_vcpu(vm.vm, stretch.vcpu_id),
                 stretch.begin_ns, stretch.end_ns);
    }
  }

  /// What the vCPU did meanwhile.
  void add_slices(std::vector<WorkStretch>& chain, uint32_t vcpu, uint64_t begin_ns,
                  uint64_t end_ns) const {
    if (vcpu == kNoWorker) return;
    const auto& of_vcpu = graph_.chains[vcpu];
    auto from = std::ranges::upper_bound(of_vcpu, begin_ns, {}, &WorkStretch::end_ns);
    for (; from != of_vcpu.end() && from->begin_ns < end_ns; ++from) {
      WorkStretch slice = *from;
      slice.begin_ns = std::max(slice.begin_ns, begin_ns);
      if (slice.end_ns > end_ns) slice.by = is_blocked(slice.doing) ? kNoWorker : slice.by;
      slice.end_ns = std::min(slice.end_ns, end_ns);
      slice.wake_ns = std::min(slice.wake_ns, slice.end_ns);
      append_stretch(chain, slice);
    }
  }

  void add_gap(const VmProcesses& vm, const ProcessGap& gap, uint32_t first) {
    const auto at = [&](uint32_t process) {
      return process == kNoProcess ? kNoWorker : first + process;
    };
    const uint32_t vcpu = place_of_vcpu(vm.vm, gap.vcpu_id);
    const uint64_t woken_ns = gap.after_halt ? halted_until(vcpu, gap) : gap.woken_ns;
    WorkStretch wait{.begin_ns = gap.begin_ns,
                     .end_ns = woken_ns,
                     .wake_ns = woken_ns,
                     .by = at(gap.by_process),
                     .doing = doing_of(gap.reason)};
    if (wait.by == kNoWorker) wait.by = place_of_thread(gap.by_tid, Comm{});
    auto& chain = graph_.chains[first + gap.process];
    append_stretch(chain, wait);
    if (gap.after_halt) return add_slices(chain, vcpu, woken_ns, gap.end_ns);
    append_stretch(chain, {.begin_ns = woken_ns,
                           .end_ns = gap.end_ns,
                           .wake_ns = gap.end_ns,
                           .by = at(gap.behind),
                           .doing = Doing::kReady});
  }

  /// From then on the vCPU was on its way to the process.
  uint64_t halted_until(uint32_t vcpu, const ProcessGap& gap) const {
    if (vcpu == kNoWorker) return gap.end_ns;
    const auto& chain = graph_.chains[vcpu];
    auto after = std::ranges::lower_bound(chain, gap.end_ns, {}, &WorkStretch::begin_ns);
    for (int i = 0; i < kStretchesLookedAt && after != chain.begin(); i++) {
      --after;
      if (after->end_ns <= gap.begin_ns) break;
      if (is_blocked(after->doing)) return std::min(after->end_ns, gap.end_ns);
    }
    return gap.woken_ns;
  }

  const ReplayResult& replay_;
  const ThreadLives& lives_;
  ExecutionGraph graph_;
  std::map<uint32_t, VmKey> vm_by_process_;
  std::unordered_map<uint32_t, uint32_t> place_by_tid_;
  std::map<std::pair<VmKey, uint32_t>, uint32_t> place_by_vcpu_;
};

}  // namespace

ExecutionGraph build_graph(const ReplayResult& replay, std::span<const VmProcesses> processes,
                           const ThreadLives& lives) {
  return Builder(replay, lives).build(processes);
}

}  // namespace vmflow
