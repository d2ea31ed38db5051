// SPDX-License-Identifier: GPL-2.0-only
// VMs whose counters a test moves on second by second.
#pragma once

#include <algorithm>
#include <string>

#include "analysis/flow_model.h"

namespace vmflow::test {

class WatchedHost {
 public:
  static constexpr uint64_t kSecond = 1'000'000'000;

  explicit WatchedHost(uint32_t vms) {
    model_.now_ns = 1000 * kSecond;
    for (uint32_t i = 0; i < vms; i++) {
      VmFlow vm;
      vm.label = "vm-" + std::string(4 - std::min<size_t>(4, std::to_string(i).size()), '0') +
                 std::to_string(i);
      vm.name = "name of " + std::to_string(i);
      model_.vms.push_back(vm);
    }
  }

  VmFlow& vm(uint32_t i = 0) { return model_.vms.at(i); }
  FlowModel& model() { return model_; }
  uint64_t now_ns() const { return model_.now_ns; }
  /// A second goes by.
  const FlowModel& pass() {
    model_.now_ns += kSecond;
    return model_;
  }

 private:
  FlowModel model_;
};

inline uint64_t ns_of(double seconds) {
  return static_cast<uint64_t>(seconds * 1e9);
}

}  // namespace vmflow::test
