// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/guest_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include "analysis/guest_threads.h"
#include "analysis/nested.h"
#include "analysis/process_workload.h"

namespace vmflow {
namespace {

uint64_t sum(const auto& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

void add(auto& sums, const auto& more) {
  for (size_t i = 0; i < sums.size(); i++) sums[i] += more[i];
}

/// One VM while its processes are put together.
class Builder {
 public:
  Builder(VmKey vm, const ReplayResult& replay)
      : vm_(vm), replay_(replay), masks_(nested_vm_ids(replay.snapshot, vm)) {
    for (const auto& vcpu : replay.vcpus)
      if (vcpu.vm == vm) {
        vcpus_.push_back(&vcpu);
        masks_.take(vcpu.samples);
      }
  }

  VmProcesses build() {
    for (uint32_t i = 0; i < vcpus_.size(); i++) {
      by_vcpu_.push_back(guest_spans(*vcpus_[i], i, masks_, replay_.culprits, places_, times_));
      for (const auto* spans : {&by_vcpu_.back().own, &by_vcpu_.back().nested})
        spans_.insert(spans_.end(), spans->begin(), spans->end());
    }
    std::ranges::stable_sort(spans_, {}, &GuestSpan::begin_ns);
    for (const auto& key : places_.keys()) {
      auto& process = processes_.emplace_back();
      process.key = key;
      process.level = key.nested_vm == 0 ? 1 : 2;
    }
    states_.resize(processes_.size());
    learn_habits();
    for (const auto& span : spans_) take(span);
    count_threads();
    return sorted();
  }

 private:
  /// Is it a timer's interrupt that makes something happen? kUntold: it is not seen at other times.
  enum class Habit : uint8_t { kNo, kYes, kUntold };

  /// How often one of two things happened right after a timer's interrupt.
  struct OnTimer {
    uint64_t all = 0, on_timer = 0;
    void take(bool is_on_timer) {
      all++;
      on_timer += is_on_timer ? 1 : 0;
    }
    /// More than the `share` of its time after such interrupts makes likely. A switch that a tick
    /// has caused may still follow another exit, so half of them are enough.
    Habit habit(double share) const {
      constexpr uint64_t kFewest = 4;
      constexpr double kFewestElsewhere = 3, kMostly = 0.5;
      const double by_chance = static_cast<double>(all) * share;
      const double elsewhere = static_cast<double>(all) - by_chance;
      if (all < kFewest) return Habit::kNo;
      if (elsewhere < kFewestElsewhere)
        return on_timer * 5 >= all * 4 ? Habit::kUntold : Habit::kNo;
      return static_cast<double>(on_timer) - by_chance >= kMostly * elsewhere ? Habit::kYes
                                                                              : Habit::kNo;
    }
  };
  struct Habits {
    OnTimer leaves;  ///< the vCPU, for another process
    OnTimer comes;   ///< to it, after another process
  };
  struct Left {
    uint64_t ns = 0;  ///< 0: never
    Habit preempted = Habit::kNo;
  };

  static bool came_on_timer(const GuestSpan& span) {
    return span.came_by && span.came_by->kind == FLOW_WAKE_OWN_INTERRUPT;
  }

  void learn_habits() {
    habits_.resize(processes_.size());
    for (const auto& of_vcpu : by_vcpu_) {
      own_after_timer_.add(of_vcpu.own_after_timer);
      nested_after_timer_.add(of_vcpu.nested_after_timer);
      learn_habits(of_vcpu.own);
      learn_habits(of_vcpu.nested);
    }
  }

  void learn_habits(const std::vector<GuestSpan>& spans) {
    for (size_t i = 1; i < spans.size(); i++) {
      if (spans[i].before != spans[i - 1].process) continue;
      habits_[spans[i - 1].process].leaves.take(spans[i - 1].left_on_timer);
      habits_[spans[i].process].comes.take(came_on_timer(spans[i]));
    }
  }

  double by_chance(uint32_t process) const {
    return (processes_[process].key.nested_vm == 0 ? own_after_timer_ : nested_after_timer_)
        .share();
  }

  Habit preempted(const GuestSpan& span) const {
    if (span.left_to_other_guest) return Habit::kYes;
    return span.left_on_timer ? habits_[span.process].leaves.habit(by_chance(span.process))
                              : Habit::kNo;
  }

  void take(const GuestSpan& span) {
    auto& process = processes_[span.process];
    auto& left = states_[span.process];
    add(process.ready_ns, span.latency_ns);
    if (left.ns != 0 && span.begin_ns > left.ns) take_gap(process, left, span);
    if (process.first_ns == 0) process.first_ns = span.begin_ns - sum(span.latency_ns);
    process.last_ns = std::max(process.last_ns, span.end_ns);
    process.certain_ns += span.certain_ns;
    process.sampled_ns += span.sampled_ns;
    process.host_ns += span.host_ns;
    process.blocked_ns += span.blocked_ns;
    process.nested_ns += span.nested_ns;
    process.hypervisor_ns += span.hypervisor_ns;
    process.exits += span.exits;
    process.preempted += preempted(span) == Habit::kYes ? 1 : 0;
    add(process.ready_ns, span.ready_ns);
    if (span.end_ns >= left.ns) left = {span.end_ns, preempted(span)};
  }

  /// What it did since it was seen last: waited for something, or for the vCPU.
  void take_gap(GuestProcess& process, const Left& left, const GuestSpan& span) {
    uint64_t gap_ns = span.begin_ns - left.ns;
    gap_ns -= std::min(gap_ns, sum(span.latency_ns));
    ProcessGap gap{.process = span.process,
                   .vcpu_id = vcpus_[span.vcpu]->vcpu_id,
                   .begin_ns = left.ns,
                   .woken_ns = left.ns,
                   .end_ns = span.begin_ns,
                   .behind = span.before,
                   .after_halt = span.after_halt};
    if (left.preempted == Habit::kYes && !span.after_halt) {
      process.behind_ns += gap_ns;
      count(process.behind, span.before, gap_ns);
      gaps_.push_back(gap);
      return;
    }
    // Awake from the interrupt on; another one had the vCPU until it came.
    const auto* by = ended_by(span);
    uint64_t wait_ns = gap_ns;
    if (!span.after_halt && by && by->ns > left.ns) wait_ns = std::min(gap_ns, by->ns - left.ns);
    process.behind_ns += gap_ns - wait_ns;
    if (gap_ns > wait_ns) count(process.behind, span.before, gap_ns - wait_ns);
    const bool is_untold = !by && !span.after_halt && left.preempted == Habit::kUntold;
    gap.reason = is_untold ? WaitReason::kUnknown : reason_of(span, by);
    process.wait_ns[static_cast<size_t>(gap.reason)] += wait_ns;
    gap.by_process = is_untold ? kNoProcess : waker_of(span, by);
    if (gap.by_process == span.process) gap.by_process = kNoProcess;
    count(process.wakers, gap.by_process, wait_ns);
    gap.woken_ns = by ? std::clamp(by->ns, left.ns, span.begin_ns) : span.begin_ns;
    gap.by_tid = by ? host_waker(*by) : 0;
    gaps_.push_back(gap);
  }

  /// The interrupt that ended its wait; null if none did. After another process a timer's is
  /// coincidence, unless this one mostly comes with it.
  const GivenInterrupt* ended_by(const GuestSpan& span) const {
    if (!span.came_by) return nullptr;
    const bool may_be_by_chance = span.before != kNoProcess && came_on_timer(span);
    const auto& comes = habits_[span.process].comes;
    if (may_be_by_chance && comes.habit(by_chance(span.process)) != Habit::kYes) return nullptr;
    return &*span.came_by;
  }

  static WaitReason reason_of(const GuestSpan& span, const GivenInterrupt* by) {
    if (by) return wait_reason(by->kind);
    return span.before == kNoProcess ? WaitReason::kUnknown : WaitReason::kTask;
  }

  /// Who made it go on: on another vCPU, or just before on this one.
  uint32_t waker_of(const GuestSpan& span, const GivenInterrupt* by) const {
    if (!by) return span.before;
    if (by->kind != FLOW_WAKE_IPI) return kNoProcess;
    for (uint32_t i = 0; i < vcpus_.size(); i++)
      if (vcpus_[i]->vcpu_id == by->by) return running_at(by_vcpu_[i], by->ns);
    return kNoProcess;
  }

  /// The thread of the host that gave an interrupt; 0: another vCPU, an interrupt, or not told.
  static uint32_t host_waker(const GivenInterrupt& given) {
    const bool is_of_thread = given.kind != FLOW_WAKE_IPI && given.kind != FLOW_WAKE_HARDIRQ &&
                              given.kind != FLOW_WAKE_OWN_INTERRUPT &&
                              given.kind != FLOW_WAKE_HARDIRQ_DEVICE;
    return is_of_thread ? given.by : 0;
  }

  /// Of the deepest level that ran.
  static uint32_t running_at(const VcpuSpans& spans, uint64_t ns) {
    const auto nested = running_at(spans.nested, ns);
    return nested == kNoProcess ? running_at(spans.own, ns) : nested;
  }

  static uint32_t running_at(const std::vector<GuestSpan>& spans, uint64_t ns) {
    auto after = std::ranges::upper_bound(spans, ns, {}, &GuestSpan::begin_ns);
    if (after == spans.begin()) return kNoProcess;
    const auto& span = *--after;
    return ns <= span.end_ns ? span.process : kNoProcess;
  }

  static void count(std::vector<OtherProcess>& others, uint32_t other, uint64_t ns) {
    if (other == kNoProcess) return;
    auto found = std::ranges::find(others, other, &OtherProcess::process);
    if (found == others.end()) found = others.insert(found, OtherProcess{.process = other});
    found->count++;
    found->ns += ns;
  }

  void count_threads() {
    const auto threads = guest_threads(vcpus_, masks_, places_);
    for (size_t i = 0; i < processes_.size(); i++) {
      processes_[i].threads = threads[i].seen;
      processes_[i].thread_switches = threads[i].switches;
      processes_[i].preempted_by_threads = threads[i].preempted;
    }
  }

  VmProcesses sorted() {
    std::vector<uint32_t> order(processes_.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, std::greater{},
                             [&](uint32_t i) { return processes_[i].guest_ns(); });
    std::vector<uint32_t> place(order.size());
    for (uint32_t i = 0; i < order.size(); i++) place[order[i]] = i;
    VmProcesses result{.vm = vm_,
                       .processes = {},
                       .stretches = {},
                       .gaps = {},
                       .idle_ns = times_.idle_ns,
                       .untold_ns = times_.untold_ns,
                       .left_out = places_.left_out(),
                       .after_timer_ratio = own_after_timer_.share(),
                       .isolated = masks_.are_isolated()};
    for (const auto i : order) {
      auto& process = result.processes.emplace_back(std::move(processes_[i]));
      for (auto* others : {&process.wakers, &process.behind}) {
        for (auto& other : *others) other.process = place[other.process];
        std::ranges::stable_sort(*others, std::greater{}, &OtherProcess::ns);
      }
    }
    const auto moved = [&](uint32_t from) { return from == kNoProcess ? from : place[from]; };
    result.gaps = std::move(gaps_);
    for (auto& gap : result.gaps) {
      gap.process = place[gap.process];
      gap.by_process = moved(gap.by_process);
      gap.behind = moved(gap.behind);
    }
    for (const auto& span : spans_)
      result.stretches.push_back({.process = place[span.process],
                                  .vcpu_id = vcpus_[span.vcpu]->vcpu_id,
                                  .begin_ns = span.begin_ns,
                                  .end_ns = span.end_ns});
    return result;
  }

  const VmKey vm_;
  const ReplayResult& replay_;
  std::vector<const ReplayedVcpu*> vcpus_;
  AddressMasks masks_;
  GuestProcessPlaces places_;
  GuestTimes times_;
  std::vector<VcpuSpans> by_vcpu_;
  std::vector<GuestSpan> spans_;
  std::vector<GuestProcess> processes_;
  std::vector<ProcessGap> gaps_;
  std::vector<Left> states_;
  std::vector<Habits> habits_;
  AfterTimer own_after_timer_, nested_after_timer_;
};

void tell_levels(const VmNested& nested, std::vector<VmProcesses>& all) {
  const auto vm = std::ranges::find(all, nested.vm, &VmProcesses::vm);
  if (vm == all.end()) return;
  std::map<uint64_t, uint32_t> levels;
  for (const auto& vcpu : nested.vcpus) levels[vcpu.nested_vm] = vcpu.level;
  for (auto& process : vm->processes)
    if (process.key.nested_vm != 0) process.level = levels[process.key.nested_vm];
}

}  // namespace

std::string process_name(const GuestProcessKey& key) {
  return key.nested_vm == 0 ? fmt::format("cr3:{:x}", key.cr3)
                            : fmt::format("cr3:{:x} of {:x}", key.cr3, key.nested_vm);
}

uint64_t VmProcesses::guest_ns() const {
  uint64_t ns = idle_ns + untold_ns;
  for (const auto& process : processes) ns += process.guest_ns();
  return ns;
}

double VmProcesses::coverage() const {
  uint64_t certain_ns = 0, all_ns = untold_ns;
  for (const auto& process : processes) {
    certain_ns += process.certain_ns;
    all_ns += process.guest_ns();
  }
  return all_ns == 0 ? 0 : static_cast<double>(certain_ns) / static_cast<double>(all_ns);
}

std::optional<GuestContention> contention_of(const VmProcesses& vm) {
  constexpr double kLeastCoverage = 0.1;  // shares are right long before most of it is certain
  constexpr double kMostAfterTimer = 0.98;
  uint64_t guest_ns = 0, behind_ns = 0;
  for (const auto& process : vm.processes) {
    guest_ns += process.guest_ns();
    behind_ns += process.behind_ns;
  }
  if (guest_ns == 0 || vm.coverage() < kLeastCoverage || vm.after_timer_ratio > kMostAfterTimer)
    return std::nullopt;
  return GuestContention{.behind_share = std::min(
                             1.0, static_cast<double>(behind_ns) / static_cast<double>(guest_ns))};
}

std::vector<VmProcesses> guest_processes(const ReplayResult& replay,
                                         std::span<const VmNested> nested) {
  std::set<VmKey> vms;
  for (const auto& vcpu : replay.vcpus)
    if (!vcpu.samples.empty()) vms.insert(vcpu.vm);
  std::vector<VmProcesses> all;
  for (const auto& vm : vms) all.push_back(Builder(vm, replay).build());
  for (const auto& of_vm : nested) tell_levels(of_vm, all);
  for (auto& vm : all) vm.ranks = rank_workload(vm);
  return all;
}

}  // namespace vmflow
