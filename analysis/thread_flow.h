// SPDX-License-Identifier: GPL-2.0-only
// What every thread of the host did, from the scheduler's events: ran, waited behind whom, slept
// until whose wake-up. Steps over the same Events as FlowReplay; that tells what vCPUs did, this
// tells it of vhost workers, threads of the VMM and host tasks, and who woke whom.
//
// Blind: what a thread did before its first event. A wake-up out of a soft interrupt counts for the
// thread that it interrupted, unless that was a vCPU which had left its guest for an interrupt. The
// ring alone records switches of vCPUs and of CPUs for which one waits: there other threads are
// told of only while one does, and asleep or waiting never.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "analysis/event.h"

namespace vmflow {

enum class ThreadState : uint8_t { kRunning, kReady, kAsleep };

/// One thread in one state. Units: the trace's clock.
/// Shape: `other` is who had the CPU while it was ready, and who ended its sleep; 0: not told, or
///        no thread; `wake_cpu` is the CPU on which that was.
struct ThreadStretch {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint32_t other = 0;
  ThreadState state = ThreadState::kRunning;
  bool by_interrupt = false;  ///< an interrupt of the host ended its sleep
  uint16_t wake_cpu = kNoCpu;
};

/// Shape: stretches do not overlap, the oldest first; gaps are not known. `tgid` 0: not told.
struct ThreadLife {
  uint32_t tid = 0;
  uint32_t tgid = 0;
  Comm comm{};
  std::vector<ThreadStretch> stretches = {};
  bool is_vcpu = false;
};

/// Shape: `threads` are by tid.
struct ThreadLives {
  std::vector<ThreadLife> threads;
  uint64_t left_out = 0;  ///< stretches and threads that were too many to keep
  uint64_t full_ns = 0;   ///< from then on; 0: none were
  bool has_all_switches = false;
  uint64_t first_ns = 0;  ///< of the first and the last event
  uint64_t last_ns = 0;
};

/// Shape: limits are of what hostile traces could make grow; what is over is counted.
struct ThreadFlowOptions {
  bool has_all_switches = true;   ///< false: vmflow's ring, which notes those that concern a vCPU
  Vendor vendor = Vendor::kNone;  ///< whose exit codes, until an exit tells its isa
  uint64_t max_stretches = 1'000'000;
  uint32_t max_threads = 65536;
  uint32_t max_cpus = 8192;
};

/// Shape:  events come in time order; an older one counts as if it came with the newest.
/// Errors: none: what cannot be is left out.
/// Threads: one at a time.
class ThreadFlow {
 public:
  explicit ThreadFlow(ThreadFlowOptions options = {});
  ~ThreadFlow();
  ThreadFlow(ThreadFlow&&) noexcept;
  ThreadFlow& operator=(ThreadFlow&&) noexcept;

  void step(const Event& event);

  /// What all events so far come to. Shape: nothing can be stepped afterwards.
  ThreadLives finish() &&;

 private:
  struct Book;
  std::unique_ptr<Book> book_;
};

}  // namespace vmflow
