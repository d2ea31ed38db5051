// SPDX-License-Identifier: GPL-2.0-only
// What the rows of the thesis' tables are drawn with: what a vCPU did as lines to compare, and what
// must hold of the same row with its events doubled, lost or swapped.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "analysis/flow_names.h"
#include "analysis/wait_reason.h"
#include "tests/analysis/drawn_trace.h"
#include "tests/analysis/exit_words.h"

namespace vmflow::test {

using Lines = std::vector<std::string>;

/// One line for each interval of the vCPU that `thread` runs: "500-1000 guest",
/// "1010-5000 halted timer", "5000-5010 ready host_task make", "1010-2000 vmm_blocked memory".
inline Lines states_of(const ReplayResult& result, const DrawnThread& thread) {
  Lines lines;
  for (const auto& i : vcpu_of(result, thread.tid).intervals) {
    auto line = fmt::format("{}-{} {}", i.begin_ns, i.end_ns, state_name(i.state).name);
    if (i.wait != FLOW_WAKE_KINDS)
      line += fmt::format(" {}", wait_reason_name(wait_reason(i.wait)));
    if (i.block != FLOW_BLOCKS) line += fmt::format(" {}", block_name(i.block));
    if (i.state == FLOW_READY) {
      const auto& culprit = result.culprits.at(i.culprit);
      line += fmt::format(" {}", culprit_name(culprit.kind));
      if (culprit.tid != 0) line += fmt::format(" {}", text_of(culprit.comm));
    }
    lines.push_back(line);
  }
  return lines;
}

inline std::vector<Event> in_order(std::vector<Event> events) {
  std::ranges::stable_sort(events, {}, &Event::ns);
  return events;
}

inline std::vector<Event> doubled(const std::vector<Event>& events) {
  std::vector<Event> twice;
  for (const auto& event : events) twice.insert(twice.end(), 2, event);
  return twice;
}

/// The row itself, and the same with every event doubled: what is told twice has happened once.
/// With any one of them lost, or swapped with the next, its states still sum to its time.
inline void expect_row(const std::vector<Event>& drawn, const DrawnThread& thread,
                       const Lines& expected) {
  const auto events = in_order(drawn);
  const auto result = replay(events);
  EXPECT_EQ(states_of(result, thread), expected);
  expect_conserved(result);
  EXPECT_EQ(states_of(replay(doubled(events)), thread), expected) << "doubled";
  for (size_t i = 0; i < events.size(); i++) {
    auto lossy = events, swapped = events;
    lossy.erase(lossy.begin() + static_cast<std::ptrdiff_t>(i));
    expect_conserved(replay(lossy));
    if (i + 1 == events.size()) continue;
    std::swap(swapped[i], swapped[i + 1]);
    const auto late = replay(swapped);
    expect_conserved(late);
    const auto out_of_order = late.anomalies[static_cast<size_t>(ReplayAnomaly::kOutOfOrder)];
    EXPECT_EQ(out_of_order, swapped[i].ns != swapped[i + 1].ns ? 1u : 0u) << i;
  }
}

}  // namespace vmflow::test
