// SPDX-License-Identifier: GPL-2.0-only
// Flags that several commands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

#include "agent/cli/agent_client.h"

namespace vmflow {

/// `--agent` and what TLS and passwords need: sets `address`, its URL without slashes at the end.
/// Errors: parsing refuses what is no URL, and one half of a pair.
void add_agent_flags(CLI::App& command, AgentAddress& address);

/// `--delay` and `--count`: how often a command looks, and how many times (0: for ever).
void add_watch_flags(CLI::App& command, double& delay_seconds, uint64_t& count);

}  // namespace vmflow
