// SPDX-License-Identifier: GPL-2.0-only
// Looks and rows of made-up VMs, for tests of vmflow top.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/cli/top_model.h"

namespace vmflow::test {

/// A VM of two vCPUs by its states. Units: seconds.
inline VmCounters vm(const std::string& id, NamedNumbers states, double exits = 0) {
  VmCounters vm;
  vm.id = id;
  vm.name = "name-of-" + id;
  vm.pid = 4711;
  vm.vcpus = 2;
  vm.start_unix_seconds = 1'700'000'000;
  vm.states = std::move(states);
  vm.exits = exits;
  return vm;
}

/// A row by what is not zero. Units: percent.
inline TopRow row(const std::string& name, double guest, double ready, double halted) {
  TopRow row;
  row.now = vm(name, {});
  row.now.name = name;
  row.shown = shown_vm(row.now);
  row.percent = {{"guest", guest}, {"kvm", 0},         {"vmm", 0},
                 {"ready", ready}, {"throttled", 0},   {"halted", halted},
                 {"halt_poll", 0}, {"vmm_blocked", 0}, {"paused", 0}};
  row.wait_percent = {{"timer", halted}, {"disk", 0}, {"net", 0}, {"task", 0}, {"unknown", 0}};
  row.exits_per_second = 98;
  return row;
}

inline std::vector<std::string> names_of(const std::vector<TopRow>& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(row.now.id);
  return names;
}

}  // namespace vmflow::test
