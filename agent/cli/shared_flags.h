// SPDX-License-Identifier: GPL-2.0-only
// Flags that several commands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace vmflow {

/// `--agent`: sets `url`, without slashes at its end. Errors: parsing refuses what is no URL.
void add_agent_flag(CLI::App& command, std::string& url);

/// `--delay` and `--count`: how often a command looks, and how many times (0: for ever).
void add_watch_flags(CLI::App& command, double& delay_seconds, uint64_t& count);

}  // namespace vmflow
