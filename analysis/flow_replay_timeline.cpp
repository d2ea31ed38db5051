// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_timeline.h"

#include <algorithm>
#include <iterator>

#include "analysis/open_interval.h"

namespace vmflow {
namespace {

// In the order in which they follow one another between two events.
constexpr flow_state kInOrder[] = {FLOW_GUEST,     FLOW_GUEST_NESTED, FLOW_KVM,    FLOW_VMM,
                                   FLOW_HALT_POLL, FLOW_HALTED,       FLOW_PAUSED, FLOW_VMM_BLOCKED,
                                   FLOW_THROTTLED, FLOW_READY,        FLOW_UNKNOWN};
static_assert(std::size(kInOrder) == FLOW_STATES + 1);

bool is_host(flow_state state) {
  return state == FLOW_KVM || state == FLOW_VMM;
}

bool continues(const ReplayInterval& a, const ReplayInterval& b) {
  return a.end_ns == b.begin_ns && a.state == b.state && a.exit_index == b.exit_index &&
         a.wait == b.wait && a.block == b.block && a.culprit == b.culprit;
}

/// The first whose sum has grown, `kCount` if none has.
template <size_t kCount>
uint32_t which_grew(const __u64 (&now)[kCount], const std::array<uint64_t, kCount>& before) {
  for (uint32_t i = 0; i < kCount; i++)
    if (now[i] > before[i]) return i;
  return kCount;
}

}  // namespace

void ReplayTimeline::before(const vcpu_flow& flow) {
  seen_ = {.first_ns = flow.first_ns,
           .last_ns = flow.last_ns,
           .held_ns = flow.held_ns,
           .unsettled_ns = flow.unsettled_ns,
           .held_state = flow.held_state,
           .exit_index = flow.exit_index,
           .ns = {},
           .wait_ns = {},
           .block_ns = {}};
  std::copy(std::begin(flow.ns), std::end(flow.ns), seen_.ns.begin());
  std::copy(std::begin(flow.wait_ns), std::end(flow.wait_ns), seen_.wait_ns.begin());
  std::copy(std::begin(flow.block_ns), std::end(flow.block_ns), seen_.block_ns.begin());
}

void ReplayTimeline::after(const vcpu_flow& flow, std::span<const BlamedTime> blamed,
                           uint64_t& room) {
  if (seen_.first_ns == 0) {
    pending_from_ = intervals_.size();
    return;
  }
  Grown grown{};
  for (uint32_t state = 0; state <= FLOW_UNKNOWN; state++)
    grown[state] = flow.ns[state] - seen_.ns[state];
  settle(flow);
  if (seen_.held_ns > flow.held_ns) release_held(grown, seen_.held_ns - flow.held_ns, room);
  append_all(flow, grown, blamed, room);
  if (flow.held_ns > seen_.held_ns) append_held(flow, room);
  name_pending(flow);
}

void ReplayTimeline::close(const vcpu_slot& slot, uint64_t now_ns,
                           std::span<const BlamedTime> blamed, uint64_t& room) {
  const vcpu_flow& flow = slot.flow;
  before(flow);
  if (flow.first_ns == 0) return;
  OpenInterval open = open_interval(slot, now_ns);
  // What was held back already is drawn as the host time that it is until polling shows.
  if (!has_ended(slot)) {
    open.held_back_ns -= std::min<uint64_t>(open.held_back_ns, flow.held_ns);
    open.ns[flow.state == FLOW_VMM ? FLOW_VMM : FLOW_KVM] += open.held_back_ns;
  } else {
    uint64_t& held = open.ns[flow.held_state == FLOW_VMM ? FLOW_VMM : FLOW_KVM];
    held -= std::min<uint64_t>(held, flow.held_ns);
  }
  append_all(flow, open.ns, blamed, room);
}

ReplayInterval ReplayTimeline::drawn(const vcpu_flow& flow, flow_state state) const {
  ReplayInterval interval;
  interval.state = state;
  if (is_host(state) || state == FLOW_HALT_POLL) interval.exit_index = seen_.exit_index;
  if (state == FLOW_HALTED)
    interval.wait = static_cast<flow_wake_kind>(which_grew(flow.wait_ns, seen_.wait_ns));
  if (state == FLOW_VMM_BLOCKED)
    interval.block = static_cast<flow_block>(which_grew(flow.block_ns, seen_.block_ns));
  return interval;
}

std::optional<size_t> ReplayTimeline::append(const ReplayInterval& interval, uint64_t& room) {
  if (interval.begin_ns >= interval.end_ns) return {};
  const bool is_last_held = !held_.empty() && held_.back() + 1 == intervals_.size();
  if (!intervals_.empty() && !is_last_held && continues(intervals_.back(), interval)) {
    intervals_.back().end_ns = interval.end_ns;
    return intervals_.size() - 1;
  }
  if (room == 0) {
    left_out_++;
    return {};
  }
  room--;
  intervals_.push_back(interval);
  return intervals_.size() - 1;
}

void ReplayTimeline::append_ready(ReplayInterval ready, std::span<const BlamedTime> blamed,
                                  uint64_t& room) {
  const uint64_t end_ns = ready.end_ns;
  for (const BlamedTime& time : blamed) {
    const uint64_t from_ns = std::max(time.begin_ns, ready.begin_ns);
    const uint64_t to_ns = std::min(time.end_ns, end_ns);
    if (from_ns >= to_ns) continue;
    ready.culprit = 0;
    ready.end_ns = from_ns;
    append(ready, room);
    ready = {.begin_ns = from_ns, .end_ns = to_ns, .state = FLOW_READY, .culprit = time.culprit};
    append(ready, room);
    ready.begin_ns = to_ns;
  }
  ready.culprit = 0;
  ready.end_ns = end_ns;
  append(ready, room);
}

void ReplayTimeline::append_all(const vcpu_flow& flow, const Grown& grown,
                                std::span<const BlamedTime> blamed, uint64_t& room) {
  uint64_t at_ns = seen_.last_ns;
  for (const flow_state state : kInOrder) {
    if (grown[state] == 0) continue;
    ReplayInterval interval = drawn(flow, state);
    interval.begin_ns = at_ns;
    interval.end_ns = at_ns += grown[state];
    if (state == FLOW_READY) {
      append_ready(interval, blamed, room);
      continue;
    }
    const auto place = append(interval, room);
    if (state == FLOW_HALTED && flow.unsettled_ns > seen_.unsettled_ns) unsettled_ = place;
  }
}

void ReplayTimeline::append_held(const vcpu_flow& flow, uint64_t& room) {
  ReplayInterval held = drawn(flow, static_cast<flow_state>(flow.held_state));
  held.begin_ns = seen_.last_ns;
  held.end_ns = flow.last_ns;
  // By itself, even next to another: what is polling is cut off its end.
  if (held.begin_ns >= held.end_ns) return;
  if (room == 0) {
    left_out_++;
    return;
  }
  room--;
  intervals_.push_back(held);
  held_.push_back(intervals_.size() - 1);
}

// KVM polls once, before it lets the vCPU sleep: so it polled at the end of the earliest pieces.
void ReplayTimeline::release_held(Grown& grown, uint64_t released_ns, uint64_t& room) {
  const uint64_t polled_ns = std::min(grown[FLOW_HALT_POLL], released_ns);
  const flow_state state = seen_.held_state == FLOW_VMM ? FLOW_VMM : FLOW_KVM;
  grown[FLOW_HALT_POLL] -= polled_ns;
  grown[state] -= released_ns - polled_ns;
  std::vector<uint64_t> polled(held_.size(), 0);
  uint64_t left_ns = polled_ns;
  for (size_t i = 0; i < held_.size(); i++) {
    ReplayInterval& piece = intervals_[held_[i]];
    piece.state = state;
    polled[i] = std::min(left_ns, piece.end_ns - piece.begin_ns);
    left_ns -= polled[i];
  }
  // From the back, so that places before stay what they are.
  for (size_t i = held_.size(); i-- > 0;) cut_polling(held_[i], polled[i], room);
  held_.clear();
}

void ReplayTimeline::cut_polling(size_t place, uint64_t polled_ns, uint64_t& room) {
  if (polled_ns == 0) return;
  ReplayInterval& piece = intervals_[place];
  if (polled_ns == piece.end_ns - piece.begin_ns) {
    piece.state = FLOW_HALT_POLL;
    return;
  }
  if (room == 0) {
    left_out_++;
    return;
  }
  room--;
  ReplayInterval polling = piece;
  polling.state = FLOW_HALT_POLL;
  polling.begin_ns = piece.end_ns = piece.end_ns - polled_ns;
  intervals_.insert(intervals_.begin() + static_cast<std::ptrdiff_t>(place) + 1, polling);
  if (unsettled_ && *unsettled_ > place) ++*unsettled_;
  if (pending_from_ > place) pending_from_++;
}

void ReplayTimeline::settle(const vcpu_flow& flow) {
  if (seen_.unsettled_ns == 0 || flow.unsettled_ns >= seen_.unsettled_ns) return;
  if (unsettled_)
    intervals_[*unsettled_].wait =
        static_cast<flow_wake_kind>(which_grew(flow.wait_ns, seen_.wait_ns));
  unsettled_.reset();
}

void ReplayTimeline::name_pending(const vcpu_flow& flow) {
  if (flow.exit_index == FLOW_EXIT_PENDING) {
    // Back in the guest without an exit: nobody will name what was before.
    if (seen_.exit_index != FLOW_EXIT_PENDING || flow_in_guest(&flow))
      pending_from_ = intervals_.size();
    return;
  }
  if (seen_.exit_index != FLOW_EXIT_PENDING || flow.exit_index >= FLOW_EXIT_CODES) return;
  for (size_t i = pending_from_; i < intervals_.size(); i++)
    if (intervals_[i].exit_index == FLOW_EXIT_PENDING) intervals_[i].exit_index = flow.exit_index;
}

}  // namespace vmflow
