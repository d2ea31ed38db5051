// SPDX-License-Identifier: GPL-2.0-only
// VMs by the time that they spent in states.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "analysis/flow_model.h"

namespace vmflow::test {

inline constexpr uint64_t kSecond = 1'000'000'000;

/// Time of a vCPU in one state.
struct Spent {
  flow_state state;
  double seconds;
};

/// A VM of one vCPU that spent its time so.
inline VmFlow vm(std::initializer_list<Spent> spent) {
  VmFlow vm;
  vm.label = "4711-7";
  for (const auto& [state, seconds] : spent)
    vm.time.state_ns[state] = static_cast<uint64_t>(seconds * 1e9);
  vm.per_vcpu = {{0, 4712, vm.time}};
  vm.exits = {{"hlt", 100, 5000}};
  return vm;
}

}  // namespace vmflow::test
