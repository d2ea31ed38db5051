// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/governor.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace vmflow {
namespace {

// A budget is a mean: twice of it is borne for two seconds, a tenth above it for twenty.
constexpr double kBorneSeconds = 2;
constexpr double kMostUse = 100;
// What comes back costs more than now: it does so from half of the budget on, after ten seconds,
// and after twice as many whenever it had to go again soon.
constexpr double kCalmUse = 0.5;
constexpr double kShortestHold = 10, kLongestHold = 600;
constexpr uint64_t kSoonNs = 60'000'000'000;
// What is given up must have a part in the cost, else it is lost for nothing.
constexpr double kWorthGivingUp = 1.0 / 8;

/// In the order in which they are given up.
constexpr flow_detail kOrder[] = {FLOW_DETAIL_RECORDER, FLOW_DETAIL_DURATIONS, FLOW_DETAIL_DEVICES,
                                  FLOW_DETAIL_CAUSES};

/// Programs that do less without `detail`.
std::vector<flow_program> programs_of(flow_detail detail) {
  switch (detail) {
    case FLOW_DETAIL_DURATIONS:
      return {FLOW_PROG_ENTRY};
    case FLOW_DETAIL_DEVICES:
      return {FLOW_PROG_REQUEST,    FLOW_PROG_REQUEST_END,   FLOW_PROG_REQUEST_HELD,
              FLOW_PROG_PACKET,     FLOW_PROG_PACKET_QUEUED, FLOW_PROG_PACKET_DROPPED,
              FLOW_PROG_SENT_LIST,  FLOW_PROG_SENT_RECEIVE,  FLOW_PROG_SENT_GRO,
              FLOW_PROG_SENT_FRAGS, FLOW_PROG_ACCEPT};
    case FLOW_DETAIL_CAUSES:
      return {FLOW_PROG_ACCEPT, FLOW_PROG_WAKING};
    case FLOW_DETAIL_RECORDER:  // every program writes it
    case FLOW_DETAILS:
      break;
  }
  return {};
}

}  // namespace

Governor::Governor(GovernorOptions options) : options_(options), hold_seconds_(kShortestHold) {
  flow_.budget_ratio = options_.budget_ratio;
  flow_.state = options_.budget_ratio ? OverheadState::kWithinBudget : OverheadState::kOff;
}

std::optional<flow_detail> Governor::next(const Spent& spent, bool records) const {
  const auto all = std::accumulate(spent.begin(), spent.end(), 0.0);
  for (const auto detail : kOrder) {
    if (flow_.given_up & 1u << detail) continue;
    if (detail == FLOW_DETAIL_RECORDER) {
      if (records) return detail;
      continue;
    }
    double part = 0;
    for (const auto program : programs_of(detail)) part += spent[program];
    if (part >= kWorthGivingUp * all) return detail;
  }
  return std::nullopt;
}

bool Governor::tick(uint64_t now_ns, const ProgramCosts& costs, bool records) {
  const auto spent = meter_.read(costs);
  const auto since_ns = std::exchange(last_ns_, now_ns);
  if (!spent || now_ns <= since_ns) return false;
  const auto wall_ns = static_cast<double>(now_ns - since_ns);
  flow_.cost_ratio = std::accumulate(spent->begin(), spent->end(), 0.0) / wall_ns / options_.cpus;
  if (!options_.budget_ratio) return false;
  const auto budget = *options_.budget_ratio;
  // A budget of nothing is kept by what costs nothing.
  const bool is_far_above = flow_.cost_ratio > budget * kMostUse;
  const auto use = is_far_above ? kMostUse : budget > 0 ? flow_.cost_ratio / budget : 0;
  return use > 1 ? over(now_ns, wall_ns / 1e9, use - 1, *spent, records)
                 : within(now_ns, wall_ns / 1e9, use);
}

bool Governor::over(uint64_t now_ns, double seconds, double overrun, const Spent& spent,
                    bool records) {
  calm_seconds_ = 0;
  overrun_seconds_ += overrun * seconds;
  const auto detail = next(spent, records);
  flow_.state = detail ? OverheadState::kOverBudget : OverheadState::kNothingLeft;
  if (!detail || overrun_seconds_ < kBorneSeconds) return false;
  overrun_seconds_ = 0;
  if (const auto came_back_ns = std::exchange(came_back_ns_, 0); came_back_ns != 0)
    hold_seconds_ =
        now_ns - came_back_ns < kSoonNs ? std::min(2 * hold_seconds_, kLongestHold) : kShortestHold;
  flow_.given_up |= 1u << *detail;
  flow_.steps_down++;
  steps_.push_back(*detail);
  return true;
}

bool Governor::within(uint64_t now_ns, double seconds, double use) {
  overrun_seconds_ = std::max(0.0, overrun_seconds_ - (1 - use) * seconds);
  calm_seconds_ = use <= kCalmUse ? calm_seconds_ + seconds : 0;
  flow_.state = steps_.empty() ? OverheadState::kWithinBudget : OverheadState::kHolding;
  if (steps_.empty() || calm_seconds_ < hold_seconds_) return false;
  calm_seconds_ = 0;
  came_back_ns_ = now_ns;
  flow_.given_up &= ~(1u << steps_.back());
  flow_.steps_up++;
  steps_.pop_back();
  if (steps_.empty()) flow_.state = OverheadState::kWithinBudget;
  return true;
}

}  // namespace vmflow
