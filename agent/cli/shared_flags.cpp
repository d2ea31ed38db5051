// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/shared_flags.h"

#include <fmt/format.h>

#include "agent/cli/agent_client.h"

namespace vmflow {
namespace {

constexpr double kLeastDelay = 0.1, kMostDelay = 3600;

/// Empty, or what is wrong with it.
std::string check_url(std::string& text) {
  auto url = checked_url(text);
  if (!url) return url.error().message;
  text = *url;
  return {};
}

}  // namespace

void add_agent_flag(CLI::App& command, std::string& url) {
  command.add_option("--agent", url, fmt::format("URL of vmflowd ({})", kAgentUrl))
      ->transform(CLI::Validator(check_url, ""));
}

void add_watch_flags(CLI::App& command, double& delay_seconds, uint64_t& count) {
  command.add_option("--delay", delay_seconds, "seconds between two looks (2)")
      ->check(CLI::Range(kLeastDelay, kMostDelay));
  command.add_option("-n,--count", count, "end after so many looks (never)")
      ->check(CLI::PositiveNumber);
}

}  // namespace vmflow
