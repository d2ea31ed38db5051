// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/nested.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "analysis/exit_reason.h"

namespace vmflow {
namespace {

constexpr size_t kMostKept = FLOW_MAX_NESTED / 4 * 3;

VmKey vm_of(const nested_key& key) {
  return {key.tgid, key.kvm};
}

// When each VM began: a record that nothing was added to since is of an earlier VM at the same
// address.
std::map<VmKey, uint64_t> beginnings(const Carry& carry) {
  std::map<VmKey, uint64_t> began;
  for (const auto& [slot, vcpu] : carry.vcpus) {
    const auto known = began.try_emplace(vcpu.vm, vcpu.taken_ns).first;
    known->second = std::min(known->second, vcpu.taken_ns);
  }
  return began;
}

bool is_of(const NestedReading& reading, const std::map<VmKey, uint64_t>& began) {
  const auto vm = began.find(vm_of(reading.key));
  return vm != began.end() && reading.record.last_ns >= vm->second;
}

bool have_a_root_in_common(const nested_record& a, const nested_record& b) {
  const auto is_one_of_b = [&](uint64_t root) {
    return root != 0 && (root == b.root || root == b.first_root);
  };
  return is_one_of_b(a.root) || is_one_of_b(a.first_root);
}

bool live_together(const nested_record& a, const nested_record& b) {
  return a.first_ns <= b.last_ns + kNestedOverlapNs && b.first_ns <= a.last_ns + kNestedOverlapNs;
}

/// Older ones come first: they give a nested VM its name.
bool is_older(const NestedReading* a, const NestedReading* b) {
  return std::tie(a->record.first_ns, a->key.vmcb12) < std::tie(b->record.first_ns, b->key.vmcb12);
}

/// The nested VM that a new nested vCPU is of: the oldest that has its root, or a new one, called
/// after it.
uint64_t nested_vm_of(const VmCarry& vm, uint64_t vmcb12, const nested_record& record) {
  const NestedCarry* oldest = nullptr;
  for (const auto& [other, known] : vm.nested)
    if (other != vmcb12 && have_a_root_in_common(record, known.record) &&
        live_together(record, known.record) &&
        (oldest == nullptr || known.record.first_ns < oldest->record.first_ns))
      oldest = &known;
  return oldest == nullptr ? vmcb12 : oldest->nested_vm;
}

void raise(NestedCarry& known, const nested_record& record, const nested_credit& credit) {
  const std::array<uint64_t, FLOW_LEVEL_REST> now{
      record.l0_ns + credit.l0_ns, record.l1_ns + credit.l1_ns, record.l2_ns + credit.l2_ns};
  for (uint32_t level = 0; level < FLOW_LEVEL_REST; level++)
    known.level_ns[level] = std::max(known.level_ns[level], now[level]);
  known.record = record;
}

/// What the vCPUs that are in L2 have had since the record was written.
std::map<std::pair<VmKey, uint64_t>, nested_credit> open_credits(const Carry& carry) {
  std::map<std::pair<VmKey, uint64_t>, nested_credit> credits;
  for (const auto& [slot, vcpu] : carry.vcpus) {
    auto& sum = credits[{vcpu.vm, vcpu.reported.vmcb12}];
    sum.l0_ns += vcpu.reported.credit.l0_ns;
    sum.l2_ns += vcpu.reported.credit.l2_ns;
  }
  return credits;
}

void add_exits(NestedVm& vm, const nested_record& record, Vendor vendor) {
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) {
    if (record.handled[i] == 0 && record.reflected[i] == 0) continue;
    const auto name = exit_name(vendor, i);
    auto exit = std::ranges::find(vm.exits, name, &NestedExit::reason);
    if (exit == vm.exits.end()) exit = vm.exits.insert(exit, {name, 0, 0});
    exit->handled += record.handled[i];
    exit->reflected += record.reflected[i];
  }
}

void add_vcpu(NestedVm& vm, uint64_t vmcb12, const NestedCarry& vcpu, Vendor vendor) {
  const nested_record& record = vcpu.record;
  if (record.last_ns >= vm.last_ns) vm.root = record.root;
  vm.first_ns =
      vm.vcpus.empty() ? record.first_ns : std::min<uint64_t>(vm.first_ns, record.first_ns);
  vm.last_ns = std::max<uint64_t>(vm.last_ns, record.last_ns);
  vm.vcpus.push_back(vmcb12);
  for (uint32_t level = 0; level < FLOW_LEVEL_REST; level++)
    vm.level_ns[level] += vcpu.level_ns[level];
  vm.entries += record.entries;
  vm.deeper += record.deeper;
  add_exits(vm, record, vendor);
}

}  // namespace

void take_in_nested(Carry& carry, const Snapshot& snapshot) {
  if (snapshot.nested.empty()) {
    for (auto& [key, vm] : carry.vms) vm.nested.clear();
    return;
  }
  const auto began = beginnings(carry);
  const auto credits = open_credits(carry);
  std::vector<const NestedReading*> readings;
  for (const auto& reading : snapshot.nested)
    if (reading.record.first_ns != 0 && is_of(reading, began)) readings.push_back(&reading);
  std::ranges::sort(readings, is_older);
  std::set<std::pair<VmKey, uint64_t>> present;
  for (const auto* reading : readings) {
    const auto vm = carry.vms.find(vm_of(reading->key));
    if (vm == carry.vms.end()) continue;
    const uint64_t vmcb12 = reading->key.vmcb12;
    const auto [known, is_new] = vm->second.nested.try_emplace(vmcb12);
    if (is_new || known->second.record.first_ns != reading->record.first_ns) {
      known->second = {};
      known->second.nested_vm = nested_vm_of(vm->second, vmcb12, reading->record);
    }
    const auto credit = credits.find({vm->first, vmcb12});
    raise(known->second, reading->record,
          credit == credits.end() ? nested_credit{} : credit->second);
    present.insert({vm->first, vmcb12});
  }
  for (auto& [key, vm] : carry.vms)
    std::erase_if(vm.nested, [&present, &vm_key = key](const auto& entry) {
      return !present.contains({vm_key, entry.first});
    });
}

std::vector<NestedVm> nested_vms_of(const VmCarry& vm, Vendor vendor) {
  std::map<uint64_t, NestedVm> vms;
  for (const auto& [vmcb12, vcpu] : vm.nested) {
    NestedVm& nested = vms[vcpu.nested_vm];
    nested.id = vcpu.nested_vm;
    add_vcpu(nested, vmcb12, vcpu, vendor);
  }
  std::vector<NestedVm> sorted;
  for (auto& [id, nested] : vms) sorted.push_back(std::move(nested));
  std::ranges::sort(sorted, [](const NestedVm& a, const NestedVm& b) {
    return std::tie(a.first_ns, a.id) < std::tie(b.first_ns, b.id);
  });
  return sorted;
}

std::map<uint64_t, uint64_t> nested_vm_ids(const Snapshot& snapshot, VmKey vm) {
  std::vector<const NestedReading*> readings;
  for (const auto& reading : snapshot.nested)
    if (vm_of(reading.key) == vm) readings.push_back(&reading);
  std::ranges::sort(readings, is_older);
  VmCarry known;
  std::map<uint64_t, uint64_t> ids;
  for (const auto* reading : readings) {
    const uint64_t vmcb12 = reading->key.vmcb12;
    auto& nested = known.nested[vmcb12];
    nested.nested_vm = nested_vm_of(known, vmcb12, reading->record);
    nested.record = reading->record;
    ids[vmcb12] = nested.nested_vm;
  }
  return ids;
}

std::optional<NestedSums> nested_sums_of(const VcpuTotals& totals, uint64_t pending_ns) {
  if (totals.nested_entries == 0 && totals.level_ns[FLOW_L2] == 0) return {};
  return NestedSums{.level_ns = totals.level_ns,
                    .pending_ns = pending_ns,
                    .entries = totals.nested_entries,
                    .handled = totals.nested_handled,
                    .reflected = totals.nested_reflected,
                    .deeper = totals.nested_deeper};
}

std::vector<nested_key> nested_to_forget(const Snapshot& snapshot, const Carry& carry) {
  const auto began = beginnings(carry);
  std::set<std::pair<VmKey, uint64_t>> running;
  for (const auto& copy : snapshot.slots)
    if (copy.slot.nested.route == NESTED_L2)
      running.insert({{copy.slot.id.tgid, copy.slot.id.kvm}, copy.slot.nested.vmcb12});
  std::vector<nested_key> forgotten;
  std::map<VmKey, std::vector<const NestedReading*>> kept;
  size_t left = 0;
  for (const auto& reading : snapshot.nested) {
    const bool runs = running.contains({vm_of(reading.key), reading.key.vmcb12});
    const bool is_idle = reading.record.last_ns + kNestedIdleNs < snapshot.now_ns;
    const bool is_left_over = began.contains(vm_of(reading.key)) && !is_of(reading, began);
    if (!runs && (is_idle || is_left_over)) {
      forgotten.push_back(reading.key);
      continue;
    }
    left++;
    if (!runs) kept[vm_of(reading.key)].push_back(&reading);
  }
  for (auto& [vm, readings] : kept)
    std::ranges::sort(readings, std::greater(),
                      [](const NestedReading* reading) { return reading->record.last_ns; });
  for (; left > kMostKept; left--) {
    const auto most =
        std::ranges::max_element(kept, {}, [](const auto& of_vm) { return of_vm.second.size(); });
    if (most == kept.end() || most->second.empty()) break;
    forgotten.push_back(most->second.back()->key);
    most->second.pop_back();
  }
  return forgotten;
}

}  // namespace vmflow
