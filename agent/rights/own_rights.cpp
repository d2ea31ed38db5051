// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rights/own_rights.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <sstream>

#include "agent/rights/capabilities.h"
#include "agent/sources/proc_files.h"

namespace vmflow {
namespace {

constexpr cap_value_t kMostCapabilities = 64;

/// The first word of each line `Name:\tword…`.
std::map<std::string, std::string> fields_of(const std::string& status) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, value;
    if (words >> name >> value && name.ends_with(':'))
      fields[name.substr(0, name.size() - 1)] = value;
  }
  return fields;
}

/// Effective user of `Uid: real effective saved filesystem`.
bool is_of_root(const std::string& status) {
  const auto at = status.find("\nUid:");
  if (at == std::string::npos) return true;
  std::istringstream words(status.substr(at + 5));
  for (uint32_t uid = 0, i = 0; i < 4 && words >> uid; i++)
    if (uid == 0) return true;
  return false;
}

}  // namespace

Result<RightsFlow> read_rights(const std::string& process) {
  RightsFlow rights{.capabilities = {},
                    .unprivileged_user = true,
                    .no_new_privs = true,
                    .system_call_filter = true};
  uint64_t held = 0;
  int threads = 0;
  std::error_code failed;
  for (std::filesystem::directory_iterator task(process + "/task", failed), end;
       !failed && task != end; task.increment(failed)) {
    const auto status = read_proc_file(task->path() / "status");
    if (status.empty()) continue;  // it has ended
    const auto fields = fields_of(status);
    for (const auto* needed : {"CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp"})
      if (!fields.contains(needed))
        return failure(fmt::format("{}/status has no {}", task->path().string(), needed));
    for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
      held |= std::stoull(fields.at(set), nullptr, 16);
    rights.unprivileged_user &= !is_of_root(status);
    rights.no_new_privs &= fields.at("NoNewPrivs") == "1";
    rights.system_call_filter &= fields.at("Seccomp") == "2";
    threads++;
  }
  if (threads == 0) return failure(process + "/task cannot be read");
  const auto is_held = [&held](cap_value_t one) { return (held >> one & 1) != 0; };
  for (const auto one : capabilities_to_attach()) {
    rights.capabilities.push_back({capability_name(one), is_held(one)});
    held &= ~(uint64_t{1} << one);
  }
  for (cap_value_t one = 0; one < kMostCapabilities; one++)
    if (is_held(one)) rights.capabilities.push_back({capability_name(one), true});
  return rights;
}

std::string rights_text(const RightsFlow& rights) {
  std::string held;
  for (const auto& one : rights.capabilities)
    if (one.held) held += (held.empty() ? "cap_" : " cap_") + one.name;
  return fmt::format("capabilities: {}; no_new_privs: {}; system calls: {}; user: {}",
                     held.empty() ? "none" : held, rights.no_new_privs ? "on" : "off",
                     rights.system_call_filter ? "filtered" : "all",
                     rights.unprivileged_user ? "unprivileged" : "root");
}

}  // namespace vmflow
