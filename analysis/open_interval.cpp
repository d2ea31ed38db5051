// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/open_interval.h"

#include <algorithm>
#include <iterator>

namespace vmflow {
namespace {

uint64_t open_since_last_event(const vcpu_slot& slot, uint64_t now_ns) {
  if (slot.flow.first_ns == 0 || slot.end.thread_exit_ns != 0) return 0;
  // A wait may have been blamed on somebody after the look began: it has lasted until then.
  const uint64_t until_ns = slot.end.destroyed_ns != 0
                                ? slot.end.destroyed_ns
                                : std::max<uint64_t>(now_ns, slot.flow.blame_since_ns);
  return until_ns > slot.flow.last_ns ? until_ns - slot.flow.last_ns : 0;
}

/// A wait for a CPU, as far as it has come: the part in which the quota was used up is no ready
/// time.
void add_ready(OpenInterval& open, const vcpu_flow& flow, uint64_t until_ns, uint64_t ns) {
  uint64_t throttled_ns = flow.throttled_ns;
  if (flow.throttled != 0 && until_ns > flow.blame_since_ns)
    throttled_ns += until_ns - flow.blame_since_ns;
  throttled_ns = std::min(throttled_ns, ns);
  open.ns[FLOW_THROTTLED] += throttled_ns;
  open.ns[FLOW_READY] += ns - throttled_ns;
}

void add_sleep(OpenInterval& open, const vcpu_slot& slot, uint64_t away_ns) {
  uint32_t kind = FLOW_WAKE_BARE;
  const uint64_t wake_ns = flow_wake_of(&slot.mailbox, slot.flow.armed_ns, &kind);
  uint64_t asleep_ns = away_ns;
  if (wake_ns != 0)
    asleep_ns =
        wake_ns > slot.flow.last_ns ? std::min<uint64_t>(away_ns, wake_ns - slot.flow.last_ns) : 0;
  open.ns[slot.flow.state] += asleep_ns;
  add_ready(open, slot.flow, slot.flow.last_ns + away_ns, away_ns - asleep_ns);
}

// A halt may still turn this into polling: KVM says so at its end.
bool may_be_polling(const vcpu_slot& slot) {
  return (slot.flow.halting != 0 || slot.flow.held_ns != 0) && !has_ended(slot);
}

void add_host(OpenInterval& open, uint32_t state, uint64_t ns) {
  open.ns[state == FLOW_VMM ? FLOW_VMM : FLOW_KVM] += ns;
  open.exit_ns += ns;
}

// Deals out what the open interval adds, as the next step in the kernel will.
void read_levels(VcpuReading& reading, nested_flow nested, bool ended) {
  std::array<__u64, FLOW_STATES + 1> ns{};
  std::copy(reading.totals.ns.begin(), reading.totals.ns.end(), ns.begin());
  reading.credit = nested_deal(&nested, ns.data());
  reading.vmcb12 = nested.vmcb12;
  if (ended) nested_drop_pending(&nested);
  reading.pending_ns = nested.pending_l0_ns + nested.pending_l1_ns;
  std::copy(std::begin(nested.level_ns), std::end(nested.level_ns),
            reading.totals.level_ns.begin());
  reading.totals.nested_entries = nested.entries;
  reading.totals.nested_handled = nested.handled;
  reading.totals.nested_reflected = nested.reflected;
  reading.totals.nested_deeper = nested.deeper;
}

}  // namespace

OpenInterval open_interval(const vcpu_slot& slot, uint64_t now_ns) {
  OpenInterval open;
  const vcpu_flow& flow = slot.flow;
  const uint64_t span_ns = open_since_last_event(slot, now_ns);
  if (has_ended(slot))
    add_host(open, flow.held_state, flow.held_ns);
  else
    open.held_back_ns = flow.held_ns;
  switch (static_cast<flow_state>(flow.state)) {
    case FLOW_KVM:
    case FLOW_VMM:
      if (may_be_polling(slot))
        open.held_back_ns += span_ns;
      else
        add_host(open, flow.state, span_ns);
      return open;
    case FLOW_HALTED:
    case FLOW_VMM_BLOCKED:
    case FLOW_PAUSED:
      add_sleep(open, slot, span_ns);
      return open;
    case FLOW_READY:
      add_ready(open, flow, flow.last_ns + span_ns, span_ns);
      return open;
    case FLOW_GUEST:
    case FLOW_GUEST_NESTED:
    case FLOW_HALT_POLL:
    case FLOW_THROTTLED:
    case FLOW_UNKNOWN:
      open.ns[flow.state] += span_ns;
      return open;
  }
  open.ns[FLOW_UNKNOWN] += span_ns;
  return open;
}

VcpuReading read_vcpu(const vcpu_slot& slot, uint64_t now_ns) {
  const vcpu_flow& flow = slot.flow;
  const OpenInterval open = open_interval(slot, now_ns);
  VcpuReading reading;
  VcpuTotals& totals = reading.totals;
  std::copy(std::begin(flow.ns), std::end(flow.ns), totals.ns.begin());
  std::copy(std::begin(flow.anomaly), std::end(flow.anomaly), totals.anomaly.begin());
  std::copy(std::begin(flow.block_ns), std::end(flow.block_ns), totals.block_ns.begin());
  std::copy(std::begin(flow.culprit_ns), std::end(flow.culprit_ns), totals.culprit_ns.begin());
  std::copy(std::begin(flow.wait_ns), std::end(flow.wait_ns), totals.wait_ns.begin());
  for (uint32_t kind = 0; kind < FLOW_WAKE_KINDS; kind++)
    std::copy(std::begin(flow.waited[kind]), std::end(flow.waited[kind]),
              totals.waited[kind].begin());
  std::copy(std::begin(flow.preempted), std::end(flow.preempted), totals.preempted.begin());
  totals.poll_ns = {flow.poll_success_ns, flow.poll_fail_ns};
  std::copy(std::begin(flow.queued), std::end(flow.queued), totals.queued.begin());
  std::copy(std::begin(flow.woken), std::end(flow.woken), totals.woken.begin());
  totals.queued_ns = flow.ns[FLOW_READY];
  totals.woken_ns = flow.woken_ns;
  totals.disk_pending_ns = flow.disk_pending_ns;
  totals.net_pending_ns = flow.net_pending_ns;
  totals.poll_success = flow.poll_success;
  totals.poll_fail = flow.poll_fail;
  totals.halt_wakeups = flow.halt_wakeups;
  std::copy(std::begin(flow.handled), std::end(flow.handled), totals.handled.begin());
  std::copy(std::begin(flow.userspace), std::end(flow.userspace), totals.userspace.begin());
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) {
    totals.exit_count[i] = flow.exits[i].count;
    totals.exit_ns[i] = flow.exits[i].ns;
  }
  totals.handled_ns = flow.handled_ns;
  for (uint32_t state = 0; state <= FLOW_UNKNOWN; state++) totals.ns[state] += open.ns[state];
  for (uint32_t state = 0; state < FLOW_STATES; state++)
    if (is_wait(state)) reading.open_wait_ns[state] = open.ns[state];
  reading.open_wait_ns[FLOW_HALTED] += flow.unsettled_ns;
  if (flow.exit_index < FLOW_EXIT_CODES) totals.exit_ns[flow.exit_index] += open.exit_ns;
  reading.held_back_ns = open.held_back_ns;
  read_levels(reading, slot.nested, has_ended(slot));
  return reading;
}

}  // namespace vmflow
