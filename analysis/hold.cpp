// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/hold.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

namespace vmflow {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

uint64_t sum_of(std::span<const uint64_t> values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

/// `whole * part / all` without overflow.
uint64_t share_of(uint64_t whole, uint64_t part, uint64_t all) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(whole) * part / all);
}

/// Lets `values` grow from `reported` to a sum that is theirs, but at most `most`.
void hold_group(std::span<uint64_t> values, std::span<const uint64_t> reported, uint64_t most) {
  const uint64_t before = sum_of(reported);
  uint64_t growth = std::max(std::min(sum_of(values), most), before) - before;
  uint64_t wanted = 0;
  for (size_t i = 0; i < values.size(); i++)
    if (values[i] > reported[i]) wanted += values[i] - reported[i];
  for (size_t i = 0; i < values.size(); i++) {
    const uint64_t wants = values[i] > reported[i] ? values[i] - reported[i] : 0;
    const uint64_t gets = wanted == 0 ? 0 : share_of(growth, wants, wanted);
    values[i] = reported[i] + gets;
    growth -= gets;  // of what is left, so that no rest is lost
    wanted -= wants;
  }
}

}  // namespace

uint64_t hold(VcpuTotals& totals, const VcpuTotals& reported) {
  uint64_t held = 0;
  for_each_counter(totals, reported,
                   [&](uint64_t& value, uint64_t least) { held += value < least; });
  if (held == 0) return 0;
  hold_group(totals.ns, reported.ns, kNoLimit);
  hold_group(totals.exit_ns, reported.exit_ns, totals.ns[FLOW_KVM] + totals.ns[FLOW_VMM]);
  hold_group(totals.poll_ns, reported.poll_ns, totals.ns[FLOW_HALT_POLL]);
  hold_group(totals.wait_ns, reported.wait_ns, totals.ns[FLOW_HALTED]);
  hold_group(totals.block_ns, reported.block_ns, totals.ns[FLOW_VMM_BLOCKED]);
  hold_group(totals.culprit_ns, reported.culprit_ns, totals.ns[FLOW_READY]);
  hold_group(totals.level_ns, reported.level_ns, sum_of(totals.ns));
  for_each_counter(totals, reported,
                   [](uint64_t& value, uint64_t least) { value = std::max(value, least); });
  totals.disk_pending_ns = std::min(totals.disk_pending_ns, totals.ns[FLOW_HALTED]);
  totals.net_pending_ns = std::min(totals.net_pending_ns, totals.ns[FLOW_HALTED]);
  return held;
}

}  // namespace vmflow
