// SPDX-License-Identifier: GPL-2.0-only
// The subcommands of the program vmflow: one file for each, listed in main.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace vmflow {

/// What a program ends with.
enum ExitStatus { kDone = 0, kFailed = 1, kUsage = 2 };

/// Adds itself to `app`; what it returns is run if it was chosen, and returns an ExitStatus.
using Command = std::function<int()> (*)(CLI::App& app, CLI::App*& chosen);

std::function<int()> analyze_command(CLI::App& app, CLI::App*& chosen);
std::function<int()> cluster_command(CLI::App& app, CLI::App*& chosen);
std::function<int()> doctor_command(CLI::App& app, CLI::App*& chosen);
std::function<int()> features_command(CLI::App& app, CLI::App*& chosen);
std::function<int()> log_command(CLI::App& app, CLI::App*& chosen);
std::function<int()> snapshot_command(CLI::App& app, CLI::App*& chosen);
std::function<int()> top_command(CLI::App& app, CLI::App*& chosen);
std::function<int()> vms_command(CLI::App& app, CLI::App*& chosen);

}  // namespace vmflow
