// SPDX-License-Identifier: GPL-2.0-only
// Steps recorded events through the very state machine that the kernel steps live: bpf/vcpu_flow.h,
// wait_flow.h and nested_flow.h. Where a trace holds what the kernel side has decided
// (VcpuOutEvent, VcpuInEvent, WakeEvent) the result is that of the kernel; where it does not, the
// same is decided from what the trace shows.
//
// Blind without those: which sleep is a halt is told by the last exit instead of by KVM, so a
// halted vCPU that is kicked out of KVM_RUN and comes back is blocked; what a device's interrupt
// was about (disk, net) is not told; a throttled vCPU is ready. With them: a throttle counts until
// the vCPU runs again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "analysis/event.h"
#include "analysis/flow_replay_result.h"
#include "analysis/snapshot.h"

namespace vmflow {

struct ReplayBook;

/// Shape: limits are of what hostile traces could make grow; what is over is counted.
struct ReplayOptions {
  Vendor vendor = Vendor::kNone;  ///< whose exit codes, until an exit tells its isa
  uint64_t max_intervals = 400'000;
  uint64_t max_samples = 1'000'000;  ///< of registers, and interrupts, of all vCPUs
  uint32_t max_vcpus = FLOW_DEFAULT_MAX_VCPUS;
  uint32_t max_cpus = 8192;  ///< the largest CONFIG_NR_CPUS of x86
  uint32_t max_threads = 65536;
  /// Of windows, whose counts are kept (ReplayResult::counts): their length, the first one begins
  /// with the first event. 0: none are.
  uint64_t count_every_ns = 0;
  uint64_t max_counts = 400'000;  ///< of all vCPUs and windows
  bool outs_told =
      false;  ///< every switch of a vCPU has its VcpuOutEvent, VcpuInEvent: never infer
};

/// Shape:  an event that two recorders have seen comes once: whoever merges traces leaves the
/// second out. Events
///         come in time order; one that does not is counted, and adds no time.
/// Errors: none: what cannot be is counted in ReplayResult::anomalies.
/// Threads: one at a time.
class FlowReplay {
 public:
  explicit FlowReplay(ReplayOptions options = {});
  ~FlowReplay();
  FlowReplay(FlowReplay&&) noexcept;
  FlowReplay& operator=(FlowReplay&&) noexcept;

  /// Lets a vCPU go on where the live `slot` was at its last event: later events until `stop_ns`
  /// count, earlier ones only tell the context. So its totals less those of `slot` are what
  /// happened in between.
  void seed(const vcpu_slot& slot, uint64_t stop_ns = ~uint64_t{0});
  /// The same for every vCPU that both looks tell of: see vcpu_windows().
  void seed(const Snapshot& first, const Snapshot& last);

  void step(const Event& event);

  /// What all events so far come to. Shape: nothing can be stepped afterwards.
  ReplayResult finish() &&;

 private:
  void step_together();
  void count_until(uint64_t ns);

  std::unique_ptr<ReplayBook> book_;
  std::vector<Event> together_;  ///< not more than a nanosecond from one to the next
};

}  // namespace vmflow
