// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/guest_lane.h"

namespace vmflow {
namespace {

// A kernel that is interrupted so soon after an interrupt was interrupted in its handler.
constexpr uint64_t kLongestHandlerNs = 1'000'000;

}  // namespace

void Lane::add(uint64_t GuestSpan::*what, uint64_t ns, uint64_t end_ns) {
  if (!open_) return;
  (*open_).*what += ns;
  open_->end_ns = end_ns;
}

void Lane::add_ready(flow_culprit kind, uint64_t ns, uint64_t end_ns) {
  (open_ ? open_->ready_ns : latency_ns_)[kind] += ns;
  if (open_) open_->end_ns = end_ns;
}

void Lane::add_process(uint32_t process, uint64_t begin_ns, uint64_t end_ns) {
  const uint64_t ns = end_ns - begin_ns;
  note_guest(begin_ns, end_ns);
  if (!open_ || open_->process != process)
    begin(begin_ns, process, ns);
  else
    open_->certain_ns += ns;
  open_->exits++;
  open_->end_ns = end_ns;
}

void Lane::add_until_halt(uint64_t begin_ns, uint64_t end_ns, GuestTimes& times) {
  const uint64_t ns = end_ns - begin_ns;
  if (open_) {
    open_->sampled_ns += ns;
    open_->exits++;
    open_->end_ns = end_ns;
  } else {
    times.idle_ns += ns;
  }
  halt();
}

void Lane::halt() {
  close();
  after_halt_ = true;
  latency_ns_ = {};
}

void Lane::come_back(bool after_halt) {
  close();
  after_halt_ = after_halt;
  latency_ns_ = {};
}

void Lane::lose() {
  close();
  after_halt_ = false;
}

void Lane::close(bool to_other_guest) {
  if (!open_) return;
  open_->left_to_other_guest = to_other_guest;
  spans_.push_back(*open_);
  open_.reset();
}

void Lane::note_exit(const GuestSample* sample, uint64_t ns) {
  const auto last = last_interrupt(ns);
  const bool is_in_handler = last && ns - last->ns <= kLongestHandlerNs;
  if (!sample || sample->cpl == kUserMode || (sample->is_interrupted && !is_in_handler))
    interrupted_ns_ = ns;
}

void Lane::note_guest(uint64_t begin_ns, uint64_t end_ns) {
  const auto last = last_interrupt(begin_ns);
  const bool is_after_timer = last && last->kind == FLOW_WAKE_OWN_INTERRUPT;
  after_timer_.add({is_after_timer ? end_ns - begin_ns : 0, end_ns - begin_ns});
}

void Lane::begin(uint64_t ns, uint32_t process, uint64_t sampled_ns) {
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

/// The last one since the guest was interrupted, before the entry at `ns`.
std::optional<GivenInterrupt> Lane::last_interrupt(uint64_t ns) {
  while (interrupt_ < given_.size() && given_[interrupt_].ns <= ns) interrupt_++;
  if (interrupt_ == 0 || given_[interrupt_ - 1].ns < interrupted_ns_) return std::nullopt;
  return given_[interrupt_ - 1];
}

}  // namespace vmflow
