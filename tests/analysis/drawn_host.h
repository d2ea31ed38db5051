// SPDX-License-Identifier: GPL-2.0-only
// A host of VMs whose slots and processes a test draws, and the books kept of it look by look.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "analysis/build_model.h"
#include "tests/analysis/drawn_slot.h"

namespace vmflow::test {

class DrawnHost {
 public:
  /// Gives slot `index` to a vCPU, as the kernel would. Units: nanoseconds.
  DrawnSlot& take(uint32_t index, const VmKey& vm, uint32_t vcpu_id, uint64_t taken_ns) {
    DrawnSlot& drawn = slots_[index];
    drawn = {};
    drawn.slot.in_use = 1;
    drawn.slot.id = {.kvm = vm.kvm,
                     .vcpu = vm.kvm + 1 + vcpu_id,
                     .taken_ns = taken_ns,
                     .tgid = vm.tgid,
                     .tid = vm.tgid + 1 + index,
                     .vcpu_id = vcpu_id,
                     .generation = ++generations_[index]};
    return drawn.entry(taken_ns);
  }
  DrawnSlot& at(uint32_t index) { return slots_.at(index); }
  void give_back(uint32_t index) { slots_.erase(index); }

  VmIdentity& process(const VmKey& vm, uint64_t start_ticks, const std::string& uuid = "") {
    identities_[vm] = {
        .name = "vm", .uuid = uuid, .vmm = "qemu", .pid = vm.tgid, .start_ticks = start_ticks};
    return identities_[vm];
  }

  Snapshot look(uint64_t now_ns) const {
    Snapshot snapshot;
    snapshot.now_ns = now_ns;
    snapshot.host.vendor = Vendor::kSvm;
    for (const auto& [index, drawn] : slots_) snapshot.slots.push_back({index, drawn.slot});
    snapshot.identities = identities_;
    return snapshot;
  }

 private:
  std::map<uint32_t, DrawnSlot> slots_;
  std::map<uint32_t, uint32_t> generations_;
  std::map<VmKey, VmIdentity> identities_;
};

inline uint64_t exits_of(const VmFlow& vm) {
  uint64_t count = 0;
  for (const auto& exit : vm.exits) count += exit.count;
  return count;
}

inline uint64_t departed_exits_of(const FlowModel& model) {
  uint64_t count = 0;
  for (const auto& exit : model.departed.folded_exits) count += exit.count;
  return count;
}

/// Exits of live and departed VMs together: what a sum over the host shows.
inline uint64_t all_exits_of(const FlowModel& model) {
  uint64_t count = departed_exits_of(model);
  for (const auto& vm : model.vms) count += exits_of(vm);
  return count;
}

inline const VmFlow& vm_called(const FlowModel& model, const std::string& label) {
  static const VmFlow kNone;
  for (const auto& vm : model.vms)
    if (vm.label == label) return vm;
  ADD_FAILURE() << "no VM " << label;
  return kNone;
}

/// Builds model after model, and fails the test when a sum over the host falls in between.
class Books {
 public:
  const FlowModel& look(const Snapshot& snapshot) {
    auto built = build_model(snapshot, std::move(carry_));
    carry_ = std::move(built.carry);
    EXPECT_GE(all_exits_of(built.model), all_exits_of(model_)) << "at " << snapshot.now_ns;
    for (uint32_t state = 0; state < FLOW_STATES; state++)
      EXPECT_GE(all_ns(built.model, state), all_ns(model_, state))
          << "state " << state << " at " << snapshot.now_ns;
    EXPECT_GE(built.model.departed.vms, model_.departed.vms);
    model_ = std::move(built.model);
    return model_;
  }

 private:
  static uint64_t all_ns(const FlowModel& model, uint32_t state) {
    uint64_t ns = model.departed.time.state_ns[state];
    for (const auto& vm : model.vms) ns += vm.time.state_ns[state];
    return ns;
  }

  Carry carry_;
  FlowModel model_;
};

}  // namespace vmflow::test
