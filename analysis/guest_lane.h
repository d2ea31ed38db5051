// SPDX-License-Identifier: GPL-2.0-only
// Who had a vCPU on one level, piece by piece: on that of the VM, or on that of its guests. Inside
// guest_spans only.
#pragma once

#include "analysis/guest_spans.h"

namespace vmflow {

// The lowest two bits of CS, or what AMD keeps of them.
constexpr uint32_t kUserMode = 3;

class Lane {
 public:
  /// `given`: what the vCPU was given, whichever level it was for.
  Lane(const std::vector<GivenInterrupt>& given, uint32_t number)
      : given_(given), number_(number) {}

  /// Time in which nobody of this level ran.
  void add(uint64_t GuestSpan::*what, uint64_t ns, uint64_t end_ns);
  void add_ready(flow_culprit kind, uint64_t ns, uint64_t end_ns);
  /// It ran until the exit at `end_ns`, and was `process` then.
  void add_process(uint32_t process, uint64_t begin_ns, uint64_t end_ns);
  /// Whoever had the vCPU went to sleep somewhere in it, and the guest's idle task halted.
  void add_until_halt(uint64_t begin_ns, uint64_t end_ns, GuestTimes& times);

  void halt();
  /// Whoever is entered next was here before, and has slept since or not.
  void come_back(bool after_halt);
  /// Nothing is known of who has it next.
  void lose();
  void close(bool to_other_guest = false);
  /// What the kernel does for an interrupt leaves the guest too, or is interrupted in its turn:
  /// that belongs to it.
  void note_exit(const GuestSample* sample, uint64_t ns);

  const AfterTimer& after_timer() const { return after_timer_; }
  std::vector<GuestSpan> take() && { return std::move(spans_); }

 private:
  void begin(uint64_t ns, uint32_t process, uint64_t sampled_ns);
  std::optional<GivenInterrupt> last_interrupt(uint64_t ns);
  void note_guest(uint64_t begin_ns, uint64_t end_ns);

  const std::vector<GivenInterrupt>& given_;
  const uint32_t number_;
  std::vector<GuestSpan> spans_;
  AfterTimer after_timer_;
  std::optional<GuestSpan> open_;
  std::array<uint64_t, FLOW_CULPRITS> latency_ns_{};
  bool after_halt_ = false;
  uint64_t interrupted_ns_ = 0;
  size_t interrupt_ = 0;
};

}  // namespace vmflow
