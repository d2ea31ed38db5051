// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/guest_spans.h"

#include <algorithm>
#include <utility>

namespace vmflow {
namespace {

// PCID and cache bits below the address, LAM and the PCID's no-flush bit above.
constexpr uint64_t kAddressBits = 0x000f'ffff'ffff'f000;
constexpr uint64_t kUserRoot = 0x1000;
constexpr uint32_t kUserMode = 3;

class Spans {
 public:
  Spans(const ReplayedVcpu& vcpu, uint32_t number, uint64_t mask,
        std::span<const ReplayCulprit> culprits, GuestProcessPlaces& places, GuestTimes& times)
      : vcpu_(vcpu),
        number_(number),
        mask_(mask),
        culprits_(culprits),
        places_(places),
        times_(times) {}

  std::vector<GuestSpan> all() && {
    for (const auto& interval : vcpu_.intervals) take(interval);
    close();
    return std::move(spans_);
  }

 private:
  void take(const ReplayInterval& interval) {
    const uint64_t ns = interval.end_ns - interval.begin_ns;
    switch (interval.state) {
      case FLOW_GUEST:
      case FLOW_GUEST_NESTED:
        return take_guest(interval);
      case FLOW_HALTED:
      case FLOW_HALT_POLL:
        close();
        after_halt_ = true;
        latency_ns_ = {};
        return;
      case FLOW_READY:
      case FLOW_THROTTLED: {
        const auto kind = interval.culprit < culprits_.size() ? culprits_[interval.culprit].kind
                                                              : FLOW_CULPRIT_UNKNOWN;
        (open_ ? open_->ready_ns : latency_ns_)[kind] += ns;
        break;
      }
      case FLOW_KVM:
      case FLOW_VMM:
        if (open_) open_->host_ns += ns;
        break;
      case FLOW_VMM_BLOCKED:
      case FLOW_PAUSED:
        if (open_) open_->blocked_ns += ns;
        break;
      case FLOW_UNKNOWN:
        // Nothing is known of who had the vCPU by then.
        close();
        after_halt_ = false;
        break;
    }
    if (open_) open_->end_ns = interval.end_ns;
  }

  void take_guest(const ReplayInterval& interval) {
    const uint64_t ns = interval.end_ns - interval.begin_ns;
    const auto* sample = sample_at(interval.end_ns);
    if (!sample) {
      times_.untold_ns += ns;
      close();
      after_halt_ = false;
    } else if (sample->is_halt) {
      take_until_halt(interval, ns);
    } else {
      take_process(interval, ns, places_.place({sample->vmcb12, sample->cr3 & mask_}));
    }
    // What the kernel does for an interrupt leaves the guest too: that belongs to it.
    if (!sample || sample->is_interrupted || sample->cpl == kUserMode)
      interrupted_ns_ = interval.end_ns;
  }

  // Whoever had the vCPU went to sleep somewhere in it, and the guest's idle task halted.
  void take_until_halt(const ReplayInterval& interval, uint64_t ns) {
    if (open_) {
      open_->sampled_ns += ns;
      open_->exits++;
      open_->end_ns = interval.end_ns;
    } else {
      times_.idle_ns += ns;
    }
    close();
    after_halt_ = true;
  }

  void take_process(const ReplayInterval& interval, uint64_t ns, uint32_t process) {
    if (process == kNoProcess) {
      times_.untold_ns += ns;
      return close();
    }
    if (!open_ || open_->process != process)
      begin(interval.begin_ns, process, ns);
    else
      open_->certain_ns += ns;
    open_->exits++;
    open_->end_ns = interval.end_ns;
  }

  void begin(uint64_t ns, uint32_t process, uint64_t sampled_ns) {
    const auto came_by = last_interrupt(ns);
    const uint32_t before = open_ ? open_->process : kNoProcess;
    if (open_) open_->left_on_timer = came_by && came_by->kind == FLOW_WAKE_OWN_INTERRUPT;
    close();
    GuestSpan span;
    span.process = process;
    span.vcpu = number_;
    span.begin_ns = ns;
    span.sampled_ns = sampled_ns;
    span.before = before;
    span.after_halt = std::exchange(after_halt_, false);
    span.came_by = came_by;
    span.latency_ns = std::exchange(latency_ns_, {});
    open_ = span;
  }

  void close() {
    if (!open_) return;
    spans_.push_back(*open_);
    open_.reset();
  }

  /// Of the exit at `ns`.
  const GuestSample* sample_at(uint64_t ns) {
    const auto& samples = vcpu_.samples;
    while (sample_ < samples.size() && samples[sample_].ns < ns) sample_++;
    return sample_ < samples.size() && samples[sample_].ns == ns ? &samples[sample_] : nullptr;
  }

  /// The last one since the guest was interrupted, before the entry at `ns`.
  std::optional<GivenInterrupt> last_interrupt(uint64_t ns) {
    const auto& given = vcpu_.interrupts;
    while (interrupt_ < given.size() && given[interrupt_].ns <= ns) interrupt_++;
    if (interrupt_ == 0 || given[interrupt_ - 1].ns < interrupted_ns_) return std::nullopt;
    return given[interrupt_ - 1];
  }

  const ReplayedVcpu& vcpu_;
  const uint32_t number_;
  const uint64_t mask_;
  std::span<const ReplayCulprit> culprits_;
  GuestProcessPlaces& places_;
  GuestTimes& times_;
  std::vector<GuestSpan> spans_;
  std::optional<GuestSpan> open_;
  std::array<uint64_t, FLOW_CULPRITS> latency_ns_{};
  bool after_halt_ = false;
  uint64_t interrupted_ns_ = 0;
  size_t sample_ = 0, interrupt_ = 0;
};

}  // namespace

void RootBits::take(std::span<const GuestSample> samples) {
  for (const auto& sample : samples) {
    const bool is_upper = (sample.cr3 & kUserRoot) != 0, is_user = sample.cpl == kUserMode;
    (is_user ? user_ : kernel_)++;
    contradicting_ += is_upper != is_user ? 1 : 0;
  }
}

// User mode is always in the upper root, the kernel but for its first instructions never.
bool RootBits::are_isolated() const {
  constexpr uint64_t kExceptions = 100;
  return user_ > 0 && kernel_ > 0 && contradicting_ * kExceptions <= user_ + kernel_;
}

uint64_t RootBits::mask() const {
  return are_isolated() ? kAddressBits & ~kUserRoot : kAddressBits;
}

uint32_t GuestProcessPlaces::place(const GuestProcessKey& key) {
  const auto known = places_.find(key);
  if (known != places_.end()) return known->second;
  if (keys_.size() >= kMost) {
    left_out_++;
    return kNoProcess;
  }
  const auto place = static_cast<uint32_t>(keys_.size());
  keys_.push_back(key);
  places_.emplace(key, place);
  return place;
}

uint32_t GuestProcessPlaces::known(const GuestProcessKey& key) const {
  const auto found = places_.find(key);
  return found == places_.end() ? kNoProcess : found->second;
}

std::vector<GuestSpan> guest_spans(const ReplayedVcpu& vcpu, uint32_t number, uint64_t mask,
                                   std::span<const ReplayCulprit> culprits,
                                   GuestProcessPlaces& places, GuestTimes& times) {
  return Spans(vcpu, number, mask, culprits, places, times).all();
}

}  // namespace vmflow
