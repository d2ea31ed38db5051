// SPDX-License-Identifier: GPL-2.0-only
// vmflow top: where every VM's time goes, now.
#pragma once

#include <functional>
#include <string>

#include "agent/cli/agent_client.h"
#include "agent/cli/top_columns.h"

namespace vmflow {

/// Shape: `count` looks, 0: for ever.
struct TopOrder {
  AgentAddress agent;
  double delay_seconds = 2;
  uint64_t count = 0;
  size_t sort = first_sort_column();
  bool batch = false;
  bool colour = true;
};

/// Lets the seconds between two looks go by, at an even pace. Errors: always true.
std::function<bool()> paced(double delay_seconds);

/// Prints looks as text to stdout. Shape: an ExitStatus.
int run_batch(AgentClient& agent, const TopOrder& order);

/// Draws on the terminal until the user ends it. Shape: an ExitStatus.
int run_top(const TopOrder& order);

}  // namespace vmflow
