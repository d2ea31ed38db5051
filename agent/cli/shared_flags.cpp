// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/shared_flags.h"

#include <fmt/format.h>

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

void add_agent_flags(CLI::App& command, AgentAddress& address) {
  command.add_option("--agent", address.url, fmt::format("URL of vmflowd ({})", kAgentUrl))
      ->transform(CLI::Validator(check_url, ""));
  command.add_option("--ca", address.ca_file,
                     "PEM file of who signed vmflowd's certificate (those that the system trusts)");
  auto* cert = command.add_option("--cert", address.cert_file,
                                  "PEM file of the certificate that vmflowd wants to see");
  auto* key = command.add_option("--key", address.key_file, "PEM file of its key");
  cert->needs(key);
  key->needs(cert);
  auto* user = command.add_option("--user", address.user,
                                  "name of the user that asks, where vmflowd wants one");
  auto* password = command.add_option("--password-file", address.password_file,
                                      "file whose first line is the user's password");
  user->needs(password);
  password->needs(user);
}

void add_watch_flags(CLI::App& command, double& delay_seconds, uint64_t& count) {
  command.add_option("--delay", delay_seconds, "seconds between two looks (2)")
      ->check(CLI::Range(kLeastDelay, kMostDelay));
  command.add_option("-n,--count", count, "end after so many looks (never)")
      ->check(CLI::PositiveNumber);
}

}  // namespace vmflow
