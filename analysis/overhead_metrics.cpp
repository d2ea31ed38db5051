// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: what the programs cost beside their budget, and what is given up for it.
#include <array>
#include <bit>

#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

// Said in the texts below.
static_assert(FLOW_DETAILS == 4);

constexpr std::array kStates = {OverheadState::kOff, OverheadState::kWithinBudget,
                                OverheadState::kOverBudget, OverheadState::kHolding,
                                OverheadState::kNothingLeft};
static_assert(kStates.size() == kOverheadStates);

std::string_view state_name(OverheadState state) {
  switch (state) {
    case OverheadState::kOff:
      return "off";
    case OverheadState::kWithinBudget:
      return "within_budget";
    case OverheadState::kOverBudget:
      return "over_budget";
    case OverheadState::kHolding:
      return "holding";
    case OverheadState::kNothingLeft:
      return "nothing_left";
  }
  return "off";
}

void cost(const FlowModel& model, SampleSink& samples) {
  samples.add({}, model.agent.overhead.cost_ratio);
}

void budget(const FlowModel& model, SampleSink& samples) {
  if (model.agent.overhead.budget_ratio) samples.add({}, *model.agent.overhead.budget_ratio);
}

void state(const FlowModel& model, SampleSink& samples) {
  for (const auto state : kStates)
    samples.add({state_name(state)}, state == model.agent.overhead.state ? 1.0 : 0.0);
}

void level(const FlowModel& model, SampleSink& samples) {
  const auto given_up = static_cast<uint64_t>(std::popcount(model.agent.overhead.given_up));
  samples.add({}, number(FLOW_DETAILS - given_up));
}

void given_up(const FlowModel& model, SampleSink& samples) {
  for (uint32_t i = 0; i < FLOW_DETAILS; i++)
    samples.add({kernel_detail_name(static_cast<flow_detail>(i))},
                model.agent.overhead.given_up & 1u << i ? 1.0 : 0.0);
}

void steps(const FlowModel& model, SampleSink& samples) {
  samples.add({"down"}, number(model.agent.overhead.steps_down));
  samples.add({"up"}, number(model.agent.overhead.steps_up));
}

}  // namespace

std::vector<Metric> overhead_metrics() {
  return {
      {"vmflow_overhead_ratio",
       kGauge,
       {},
       "Share of the host's CPU time, all CPUs, that the kernel programs took in the last second.",
       kMono,
       "estimated from one run in 1024, from its reading of the clock on; neither how the kernel "
       "calls a program nor LTTng nor the agent's own process (process_cpu_seconds_total) is in it",
       cost},
      {"vmflow_overhead_budget_ratio",
       kGauge,
       {},
       "What it may be: --overhead.budget.",
       kNow,
       "absent without a budget",
       budget},
      {"vmflow_overhead_state",
       kGauge,
       {"state"},
       "1 for why the detail is what it is: off (no budget), within_budget, over_budget (more goes "
       "if this lasts), holding (what was given up comes back if this lasts), nothing_left "
       "(nothing "
       "else would help).",
       kNow,
       kExact,
       state},
      {"vmflow_detail_level",
       kGauge,
       {},
       "How much detail the kernel programs keep: 4 is all that was asked for, 0 time by state, "
       "exits by reason and who held the CPU, which are never given up.",
       kNow,
       kExact,
       level},
      {"vmflow_detail_given_up",
       kGauge,
       {"detail"},
       "1 for detail that is given up to keep the budget: recorder (traces), durations (of single "
       "exits, by reason; which vCPU wakes which), devices (disk requests, packets, which "
       "interrupts were about them), causes (of halts: unknown then). Its counters stand still.",
       kNow,
       kExact,
       given_up},
      {"vmflow_detail_changes_total",
       kCounter,
       {"direction"},
       "Times that detail was given up (down) or came back (up).",
       kAgent,
       kExact,
       steps},
  };
}

}  // namespace vmflow
