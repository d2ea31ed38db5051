// SPDX-License-Identifier: GPL-2.0-only
// The intervals of one vCPU, read off its ledger: whatever a step adds to a sum is an interval
// before it. So the two cannot differ, and what is known only later (polling, reasons) is written
// back where the ledger learns it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/flow_replay_result.h"
#include "bpf/records.h"

namespace vmflow {

/// Of one wait for a CPU: who had it from when to when.
struct BlamedTime {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint32_t culprit = 0;  ///< see ReplayInterval
};

class ReplayTimeline {
 public:
  /// Call both around every step of `flow`. `room`: intervals that may still be kept, of all vCPUs.
  void before(const vcpu_flow& flow);
  void after(const vcpu_flow& flow, std::span<const BlamedTime> blamed, uint64_t& room);

  /// Adds the interval that is open at `now_ns`.
  void close(const vcpu_slot& slot, uint64_t now_ns, std::span<const BlamedTime> blamed,
             uint64_t& room);

  std::vector<ReplayInterval> take() && { return std::move(intervals_); }
  uint64_t left_out() const { return left_out_; }

 private:
  /// Of the ledger, before the step.
  struct Seen {
    uint64_t first_ns = 0;
    uint64_t last_ns = 0;
    uint64_t held_ns = 0;
    uint64_t unsettled_ns = 0;
    uint32_t held_state = 0;
    uint32_t exit_index = FLOW_EXIT_NONE;
    std::array<uint64_t, FLOW_STATES + 1> ns{};
    std::array<uint64_t, FLOW_WAKE_KINDS> wait_ns{};
    std::array<uint64_t, FLOW_BLOCKS> block_ns{};
  };
  using Grown = std::array<uint64_t, FLOW_STATES + 1>;

  ReplayInterval drawn(const vcpu_flow& flow, flow_state state) const;
  std::optional<size_t> append(const ReplayInterval& interval, uint64_t& room);
  void append_ready(ReplayInterval ready, std::span<const BlamedTime> blamed, uint64_t& room);
  void append_all(const vcpu_flow& flow, const Grown& grown, std::span<const BlamedTime> blamed,
                  uint64_t& room);
  void append_held(const vcpu_flow& flow, uint64_t& room);
  void release_held(Grown& grown, uint64_t released_ns, uint64_t& room);
  void cut_polling(size_t place, uint64_t polled_ns, uint64_t& room);
  void settle(const vcpu_flow& flow);
  void name_pending(const vcpu_flow& flow);

  std::vector<ReplayInterval> intervals_;
  std::vector<size_t> held_;         ///< host time that may turn out to be polling
  std::optional<size_t> unsettled_;  ///< the halt whose end is not told yet
  size_t pending_from_ = 0;          ///< host time since here waits for its exit
  uint64_t left_out_ = 0;
  Seen seen_;
};

}  // namespace vmflow
