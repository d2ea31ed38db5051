// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/guest_spans.h"

#include <algorithm>
#include <set>
#include <utility>

#include "analysis/guest_lane.h"

namespace vmflow {
namespace {

// PCID and cache bits below the address, LAM and the PCID's no-flush bit above.
constexpr uint64_t kAddressBits = 0x000f'ffff'ffff'f000;
constexpr uint64_t kUserRoot = 0x1000;

class Spans {
 public:
  Spans(const ReplayedVcpu& vcpu, uint32_t number, const AddressMasks& masks,
        std::span<const ReplayCulprit> culprits, GuestProcessPlaces& places, GuestTimes& times)
      : vcpu_(vcpu),
        masks_(masks),
        culprits_(culprits),
        places_(places),
        times_(times),
        visits_(nested_visits(vcpu)),
        own_(vcpu.interrupts, number),
        nested_(vcpu.interrupts, number) {}

  VcpuSpans all() && {
    for (const auto& interval : vcpu_.intervals) take(interval);
    leave_guest();
    own_.close();
    const auto own_after_timer = own_.after_timer(), nested_after_timer = nested_.after_timer();
    return {std::move(own_).take(), std::move(nested_).take(), own_after_timer, nested_after_timer};
  }

 private:
  /// Piece by piece, of which each lies within one visit, or between two.
  void take(ReplayInterval piece) {
    const uint64_t end_ns = piece.end_ns;
    while (piece.begin_ns < end_ns) {
      piece.end_ns = turn_to(piece.begin_ns, end_ns);
      take_piece(piece);
      piece.begin_ns = piece.end_ns;
    }
  }

  /// Goes on to the visit at `ns`, if there is one; returns until when it stays so.
  uint64_t turn_to(uint64_t ns, uint64_t end_ns) {
    while (visit_ < visits_.size() && visits_[visit_].end_ns <= ns) {
      if (is_visited_) leave_guest();
      visit_++;
    }
    if (visit_ == visits_.size()) return end_ns;
    const auto& visit = visits_[visit_];
    if (visit.begin_ns > ns) return std::min(end_ns, visit.begin_ns);
    if (!is_visited_) come_to_guest(visit);
    return std::min(end_ns, visit.end_ns);
  }

  void come_to_guest(const NestedVisit& visit) {
    is_visited_ = true;
    const bool has_halted = halted_.erase(visit.vmcb12) != 0;
    nested_.come_back(visit.after_halt || has_halted);
  }

  // A guest that has halted waits; if its hypervisor goes on with another one, that is why.
  void leave_guest() {
    if (!std::exchange(is_visited_, false)) return;
    const auto& visit = visits_[visit_];
    const bool has_halted = visit.left_with == vcpu_.halt_exit;
    if (has_halted) halted_.insert(visit.vmcb12);
    const bool has_next = visit_ + 1 < visits_.size();
    nested_.close(!has_halted && has_next && !visits_[visit_ + 1].after_halt &&
                  visits_[visit_ + 1].vmcb12 != visit.vmcb12);
  }

  void take_piece(const ReplayInterval& piece) {
    const uint64_t ns = piece.end_ns - piece.begin_ns;
    switch (piece.state) {
      case FLOW_GUEST:
      case FLOW_GUEST_NESTED:
        return take_guest(piece, ns);
      case FLOW_HALTED:
      case FLOW_HALT_POLL:
        if (!is_visited_) return own_.halt();
        nested_.halt();
        return own_.add(&GuestSpan::nested_ns, ns, piece.end_ns);
      case FLOW_READY:
      case FLOW_THROTTLED: {
        const auto kind =
            piece.culprit < culprits_.size() ? culprits_[piece.culprit].kind : FLOW_CULPRIT_UNKNOWN;
        if (!is_visited_) return own_.add_ready(kind, ns, piece.end_ns);
        nested_.add_ready(kind, ns, piece.end_ns);
        return own_.add(&GuestSpan::nested_ns, ns, piece.end_ns);
      }
      case FLOW_KVM:
      case FLOW_VMM:
        return take_host(&GuestSpan::host_ns, piece, ns);
      case FLOW_VMM_BLOCKED:
      case FLOW_PAUSED:
        return take_host(&GuestSpan::blocked_ns, piece, ns);
      case FLOW_UNKNOWN:
        nested_.lose();
        return own_.lose();
    }
  }

  void take_host(uint64_t GuestSpan::*what, const ReplayInterval& piece, uint64_t ns) {
    if (!is_visited_) return own_.add(what, ns, piece.end_ns);
    nested_.add(what, ns, piece.end_ns);
    own_.add(&GuestSpan::nested_ns, ns, piece.end_ns);
  }

  void take_guest(const ReplayInterval& piece, uint64_t ns) {
    const bool is_nested = piece.state == FLOW_GUEST_NESTED;
    auto& lane = is_nested ? nested_ : own_;
    if (is_nested) own_.add(&GuestSpan::nested_ns, ns, piece.end_ns);
    if (!is_nested && is_visited_) nested_.add(&GuestSpan::hypervisor_ns, ns, piece.end_ns);
    const auto* sample = sample_at(piece.end_ns);
    if (!sample || (sample->vmcb12 != 0) != is_nested) {
      times_.untold_ns += ns;
      lane.lose();
    } else if (sample->is_halt) {
      lane.add_until_halt(piece.begin_ns, piece.end_ns, times_);
    } else if (const auto process = places_.place(masks_.key(*sample)); process != kNoProcess) {
      lane.add_process(process, piece.begin_ns, piece.end_ns);
    } else {
      times_.untold_ns += ns;
      lane.close();
    }
    lane.note_exit(sample, piece.end_ns);
  }

  /// Of the exit at `ns`.
  const GuestSample* sample_at(uint64_t ns) {
    const auto& samples = vcpu_.samples;
    while (sample_ < samples.size() && samples[sample_].ns < ns) sample_++;
    return sample_ < samples.size() && samples[sample_].ns == ns ? &samples[sample_] : nullptr;
  }

  const ReplayedVcpu& vcpu_;
  const AddressMasks& masks_;
  std::span<const ReplayCulprit> culprits_;
  GuestProcessPlaces& places_;
  GuestTimes& times_;
  const std::vector<NestedVisit> visits_;
  Lane own_, nested_;
  std::set<uint64_t> halted_;  ///< VMCB12s of guests that have, and were not entered since
  size_t visit_ = 0;
  bool is_visited_ = false;
  size_t sample_ = 0;
};

}  // namespace

void AfterTimer::add(const AfterTimer& more) {
  ns += more.ns;
  all_ns += more.all_ns;
}

double AfterTimer::share() const {
  return all_ns == 0 ? 0 : static_cast<double>(ns) / static_cast<double>(all_ns);
}

void RootBits::take(std::span<const GuestSample> samples) {
  for (const auto& sample : samples) take(sample);
}

void RootBits::take(const GuestSample& sample) {
  const bool is_upper = (sample.cr3 & kUserRoot) != 0, is_user = sample.cpl == kUserMode;
  (is_user ? user_ : kernel_)++;
  contradicting_ += is_upper != is_user ? 1 : 0;
}

// User mode is always in the upper root, the kernel but for its first instructions never.
bool RootBits::are_isolated() const {
  constexpr uint64_t kExceptions = 100;
  return user_ > 0 && kernel_ > 0 && contradicting_ * kExceptions <= user_ + kernel_;
}

uint64_t RootBits::mask() const {
  return are_isolated() ? kAddressBits & ~kUserRoot : kAddressBits;
}

void AddressMasks::take(std::span<const GuestSample> samples) {
  for (const auto& sample : samples) roots_[nested_vm(sample.vmcb12)].take(sample);
}

GuestProcessKey AddressMasks::key(const GuestSample& sample) const {
  const uint64_t vm = nested_vm(sample.vmcb12);
  const auto roots = roots_.find(vm);
  return {vm, sample.cr3 & (roots == roots_.end() ? kAddressBits : roots->second.mask())};
}

bool AddressMasks::are_isolated() const {
  const auto own = roots_.find(0);
  return own != roots_.end() && own->second.are_isolated();
}

uint64_t AddressMasks::nested_vm(uint64_t vmcb12) const {
  const auto known = nested_vms_.find(vmcb12);
  return known == nested_vms_.end() ? vmcb12 : known->second;
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

VcpuSpans guest_spans(const ReplayedVcpu& vcpu, uint32_t number, const AddressMasks& masks,
                      std::span<const ReplayCulprit> culprits, GuestProcessPlaces& places,
                      GuestTimes& times) {
  return Spans(vcpu, number, masks, culprits, places, times).all();
}

}  // namespace vmflow
