// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/doctor_check.h"

#include <algorithm>

namespace vmflow {

const std::vector<Check>& doctor_checks() {
  static const auto all = [] {
    std::vector<Check> table;
    for (const auto group : {kernel_checks, kvm_checks, host_checks, trace_checks, agent_checks})
      std::ranges::copy(group(), std::back_inserter(table));
    return table;
  }();
  return all;
}

std::vector<CheckResult> examine(const DoctorHost& host) {
  std::vector<CheckResult> results;
  for (const auto& check : doctor_checks())
    if (check.group != "agent" || host.agent) results.push_back({&check, check.look(host)});
  return results;
}

bool is_fit(const std::vector<CheckResult>& results) {
  return std::ranges::none_of(results, [](const auto& result) {
    return result.check->need == Need::required &&
           (result.finding.health == Health::missing || result.finding.health == Health::unknown);
  });
}

}  // namespace vmflow
