// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vcpu_chain.h"

#include <algorithm>
#include <iterator>

namespace vmflow {
namespace {

// Probes of two recorders at one event run so far apart at most.
constexpr uint64_t kProbesApartNs = 20'000;
// A thread that is kicked and sleeps again has several sleeps in one halt: the last one counts.
constexpr int kSleepsLookedAt = 4;

class Chain {
 public:
  Chain(const ReplayedVcpu& vcpu, const ThreadLife* life, const WorkerPlaces& places)
      : vcpu_(vcpu), life_(life), places_(places) {}

  std::vector<WorkStretch> all() && {
    const auto& intervals = vcpu_.intervals;
    chain_.reserve(intervals.size());
    for (size_t i = 0; i < intervals.size(); i++)
      add(intervals[i], i + 1 < intervals.size() ? &intervals[i + 1] : nullptr);
    return std::move(chain_);
  }

 private:
  void add(const ReplayInterval& interval, const ReplayInterval* next) {
    switch (interval.state) {
      case FLOW_GUEST:
        return add(interval, Doing::kRunning, kNoWorker, 1);
      case FLOW_GUEST_NESTED:
        return add(interval, Doing::kRunning, kNoWorker, 2);
      case FLOW_KVM:
      case FLOW_VMM:
        return add(interval, Doing::kRunning);
      case FLOW_READY:
        return add(interval, Doing::kReady, places_.culprit(interval.culprit));
      case FLOW_THROTTLED:
        return add(interval, Doing::kThrottled);
      case FLOW_HALT_POLL:
        return add_polling(interval, next);
      case FLOW_HALTED:
        return add(interval, doing_of(wait_reason(interval.wait)), ended_by(interval));
      case FLOW_VMM_BLOCKED:
        return add_blocked(interval);
      case FLOW_PAUSED:
        return add(interval, Doing::kOther);
      case FLOW_UNKNOWN:
        return;
    }
  }

  void add(const ReplayInterval& interval, Doing doing, uint32_t by = kNoWorker,
           uint8_t level = 0) {
    append_stretch(chain_, {.begin_ns = interval.begin_ns,
                            .end_ns = interval.end_ns,
                            .wake_ns = interval.end_ns,
                            .by = by,
                            .doing = doing,
                            .level = level});
  }

  // The guest sleeps, whatever its CPU does: for what the halt after it is for, or what has ended
  // the polling.
  void add_polling(const ReplayInterval& interval, const ReplayInterval* next) {
    if (next && next->state == FLOW_HALTED && next->begin_ns == interval.end_ns)
      return add(interval, doing_of(wait_reason(next->wait)));
    const auto* given = last_given(interval);
    if (!given) return add(interval, Doing::kUnknown);
    add(interval, doing_of(wait_reason(given->kind)), giver(*given));
  }

  void add_blocked(const ReplayInterval& interval) {
    const uint32_t by = woken_by(interval);
    switch (interval.block) {
      case FLOW_BLOCK_MEMORY:
        return add(interval, Doing::kMemory, by);
      case FLOW_BLOCK_IO:
        return add(interval, Doing::kDisk, by);
      case FLOW_BLOCK_LOCK:
        return add(interval, Doing::kVmm, by);
      case FLOW_BLOCK_OTHER:
      case FLOW_BLOCKS:
        break;
    }
    add(interval, Doing::kVmm, by);
  }

  uint32_t ended_by(const ReplayInterval& halt) const {
    if (halt.wait < FLOW_WAKE_KINDS && halt.wait != FLOW_WAKE_IPI && !is_of_thread(halt.wait))
      return kNoWorker;
    if (const uint32_t by = woken_by(halt); by != kNoWorker) return by;
    const auto* given = last_given(halt);
    return given ? giver(*given) : kNoWorker;
  }

  /// By the scheduler's word: who ended the last sleep of its thread within the interval.
  uint32_t woken_by(const ReplayInterval& interval) const {
    if (!life_) return kNoWorker;
    const auto& sleeps = life_->stretches;
    auto after = std::ranges::upper_bound(sleeps, interval.end_ns + kProbesApartNs, {},
                                          &ThreadStretch::end_ns);
    for (int i = 0; i < kSleepsLookedAt && after != sleeps.begin(); i++) {
      --after;
      if (after->end_ns <= interval.begin_ns) break;
      if (after->state == ThreadState::kAsleep) return places_.thread(after->other);
    }
    return kNoWorker;
  }

  /// The last interrupt that it was given within the interval, or null.
  const GivenInterrupt* last_given(const ReplayInterval& interval) const {
    const auto after = std::ranges::upper_bound(vcpu_.interrupts, interval.end_ns + kTogetherNs, {},
                                                &GivenInterrupt::ns);
    if (after == vcpu_.interrupts.begin()) return nullptr;
    const auto& last = *std::prev(after);
    return last.ns < interval.begin_ns ? nullptr : &last;
  }

  uint32_t giver(const GivenInterrupt& given) const {
    if (given.kind == FLOW_WAKE_IPI) return places_.vcpu(vcpu_.vm, given.by);
    return is_of_thread(given.kind) ? places_.thread(given.by) : kNoWorker;
  }

  const ReplayedVcpu& vcpu_;
  const ThreadLife* life_;
  const WorkerPlaces& places_;
  std::vector<WorkStretch> chain_;
};

}  // namespace

std::vector<WorkStretch> vcpu_chain(const ReplayedVcpu& vcpu, const ThreadLife* life,
                                    const WorkerPlaces& places) {
  return Chain(vcpu, life, places).all();
}

void append_stretch(std::vector<WorkStretch>& chain, WorkStretch stretch) {
  if (!chain.empty()) stretch.begin_ns = std::max(stretch.begin_ns, chain.back().end_ns);
  if (stretch.begin_ns >= stretch.end_ns) return;
  // Two waits that different wake-ups ended are two.
  if (!chain.empty() && !is_blocked(stretch.doing)) {
    auto& last = chain.back();
    if (last.end_ns == stretch.begin_ns && last.doing == stretch.doing && last.by == stretch.by &&
        last.level == stretch.level) {
      last.end_ns = stretch.end_ns;
      return;
    }
  }
  chain.push_back(stretch);
}

Doing doing_of(WaitReason reason) {
  switch (reason) {
    case WaitReason::kTimer:
      return Doing::kTimer;
    case WaitReason::kDisk:
      return Doing::kDisk;
    case WaitReason::kNet:
      return Doing::kNet;
    case WaitReason::kTask:
      return Doing::kTask;
    case WaitReason::kMemory:
      return Doing::kMemory;
    case WaitReason::kDevice:
      return Doing::kVmm;
    case WaitReason::kPassthrough:
      return Doing::kOther;
    case WaitReason::kUnknown:
      return Doing::kUnknown;
  }
  return Doing::kUnknown;
}

bool is_of_thread(flow_wake_kind kind) {
  switch (kind) {
    case FLOW_WAKE_HARDIRQ:
    case FLOW_WAKE_OWN_INTERRUPT:
    case FLOW_WAKE_HARDIRQ_DEVICE:
    case FLOW_WAKE_IPI:
    case FLOW_WAKE_KINDS:
      return false;
    case FLOW_WAKE_BARE:
    case FLOW_WAKE_VMM:
    case FLOW_WAKE_VMM_DISK:
    case FLOW_WAKE_VMM_NET:
    case FLOW_WAKE_VHOST:
    case FLOW_WAKE_KERNEL_WORKER:
    case FLOW_WAKE_FOREIGN:
    case FLOW_WAKE_PAGE:
      return true;
  }
  return false;
}

}  // namespace vmflow
