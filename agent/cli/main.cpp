// SPDX-License-Identifier: GPL-2.0-only
// vmflow: what people type. The agent is vmflowd.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <sstream>
#include <utility>
#include <vector>

#include "agent/cli/command.h"
#include "agent/version.h"

namespace vmflow {
namespace {

constexpr Command kCommands[] = {top_command,     vms_command,     log_command,
                                 doctor_command,  analyze_command, snapshot_command,
                                 cluster_command, features_command};

int run(int argc, const char* const* argv) {
  CLI::App app("vmflow asks vmflowd, which tells for every VM where its time goes.", "vmflow");
  app.set_version_flag("--version", std::string(kVersionText));
  app.require_subcommand(1);
  std::vector<std::pair<CLI::App*, std::function<int()>>> commands;
  for (const auto command : kCommands) {
    CLI::App* chosen = nullptr;
    auto run_it = command(app, chosen);
    commands.emplace_back(chosen, std::move(run_it));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    std::ostringstream out, err;
    app.exit(asked, out, err);
    fmt::print("{}", out.str());
    return kDone;
  } catch (const CLI::Error& error) {
    fmt::print(stderr, "vmflow: {} (--help lists the commands and flags)\n", error.what());
    return kUsage;
  }
  for (const auto& [chosen, run_it] : commands)
    if (chosen->parsed()) return run_it();
  return kUsage;
}

}  // namespace
}  // namespace vmflow

int main(int argc, char** argv) {
  try {
    return vmflow::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "vmflow: {}\n", error.what());
    return vmflow::kFailed;
  }
}
