// SPDX-License-Identifier: GPL-2.0-only
// What BpfPrograms reads of the kernel's tables, and how it takes out of them what is gone.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>

#include "agent/sources/bpf_programs.h"
#include "agent/sources/monotonic_clock.h"
#include "vmflow.skel.h"

namespace vmflow {
namespace {

/// Visits each key of a hash map that is being written once; one that comes or goes meanwhile may
/// be missed.
template <typename Key, typename Visit>
void for_each_key(int map, Visit visit) {
  std::vector<Key> keys;
  Key key{}, next{};
  for (void* from = nullptr; bpf_map_get_next_key(map, from, &next) == 0; from = &key) {
    key = next;
    keys.push_back(key);
    if (keys.size() > 2 * std::max(FLOW_MAX_BLAMES, FLOW_MAX_WAKERS))
      break;  // a writer may lead it around for ever
  }
  const auto bytes = [](const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof(a)); };
  std::ranges::sort(keys, [&](const Key& a, const Key& b) { return bytes(a, b) < 0; });
  const auto twice =
      std::ranges::unique(keys, [&](const Key& a, const Key& b) { return bytes(a, b) == 0; });
  keys.erase(twice.begin(), twice.end());
  for (const auto& each : keys) visit(each);
}

}  // namespace

std::vector<BlameReading> BpfPrograms::blames() const {
  const auto map = bpf_map__fd(object_->maps.blames);
  std::vector<BlameReading> blames;
  for_each_key<blame_key>(map, [&](const blame_key& key) {
    BlameReading reading{.key = key, .value = {}};
    if (bpf_map_lookup_elem(map, &key, &reading.value) == 0) blames.push_back(reading);
  });
  return blames;
}

std::vector<NestedReading> BpfPrograms::nested_vcpus() const {
  const auto map = bpf_map__fd(object_->maps.nested_vcpus);
  std::vector<NestedReading> readings;
  for_each_key<nested_key>(map, [&](const nested_key& key) {
    NestedReading reading{.key = key, .record = {}};
    if (bpf_map_lookup_elem(map, &key, &reading.record) == 0) readings.push_back(reading);
  });
  return readings;
}

void BpfPrograms::forget_nested(const std::vector<nested_key>& keys) {
  for (const auto& key : keys) bpf_map_delete_elem(bpf_map__fd(object_->maps.nested_vcpus), &key);
}

std::vector<WakerReading> BpfPrograms::wakers() const {
  const auto map = bpf_map__fd(object_->maps.wakers);
  std::vector<WakerReading> wakers;
  for_each_key<waker_key>(map, [&](const waker_key& key) {
    WakerReading reading{.key = key, .value = {}};
    if (bpf_map_lookup_elem(map, &key, &reading.value) == 0) wakers.push_back(reading);
  });
  return wakers;
}

vm_skew BpfPrograms::skew(uint32_t index) const {
  vm_skew copy{};
  if (index >= slot_count_) return copy;
  const vm_skew& live = vms_[index];
  copy.kvm = __atomic_load_n(&live.kvm, __ATOMIC_ACQUIRE);
  copy.taken_ns = __atomic_load_n(&live.taken_ns, __ATOMIC_ACQUIRE);
  copy.skew_ns = __atomic_load_n(&live.skew_ns, __ATOMIC_ACQUIRE);
  return copy;
}

std::map<uint32_t, vm_io> BpfPrograms::ios() const {
  const auto map = bpf_map__fd(object_->maps.vm_ios);
  std::map<uint32_t, vm_io> ios;
  for_each_key<uint32_t>(map, [&](uint32_t tgid) {
    vm_io io{};
    if (bpf_map_lookup_elem(map, &tgid, &io) == 0) ios[tgid] = io;
  });
  return ios;
}

std::map<uint32_t, uint64_t> BpfPrograms::packets_waiting() const {
  const auto map = bpf_map__fd(object_->maps.tap_queues);
  std::map<uint32_t, uint64_t> waiting;
  for_each_key<tap_key>(map, [&](const tap_key& key) {
    tap_queue queue{};
    if (bpf_map_lookup_elem(map, &key, &queue) == 0) waiting[queue.tgid] += queue.waiting;
  });
  return waiting;
}

std::vector<uint64_t> BpfPrograms::unattributed_interrupts() const {
  std::vector<uint64_t> kinds(FLOW_WAKE_KINDS);
  for (uint32_t kind = 0; kind < FLOW_WAKE_KINDS; kind++)
    kinds[kind] = __atomic_load_n(&object_->bss->unattributed[kind], __ATOMIC_RELAXED);
  return kinds;
}

// One that began after `live` was read has a slot by now.
bool BpfPrograms::has_vm(const std::set<VmKey>& live, uint32_t tgid) const {
  const auto vm = live.lower_bound({tgid, 0});
  if (vm != live.end() && vm->tgid == tgid) return true;
  for (uint32_t index = 1; index <= highest_slot(); index++)
    if (slots_[index].id.tgid == tgid &&
        __atomic_load_n(&slots_[index].in_use, __ATOMIC_ACQUIRE) != 0)
      return true;
  return false;
}

// What a program still works on stays: a disk that has requests in flight, and a VM on it.
void BpfPrograms::forget_disks(const std::set<VmKey>& live) {
  constexpr uint64_t kUnusedNs = 600'000'000'000;
  const auto disks = bpf_map__fd(object_->maps.disks);
  const auto now_ns = monotonic_ns();
  for_each_key<uint64_t>(disks, [&](uint64_t key) {
    disk_device disk{};
    if (bpf_map_lookup_elem(disks, &key, &disk) == 0 && disk.vms == 0 &&
        disk.last_ns + kUnusedNs < now_ns)
      bpf_map_delete_elem(disks, &key);
  });
  const auto uses = bpf_map__fd(object_->maps.vm_disks);
  for_each_key<vm_disk_key>(uses, [&](const vm_disk_key& key) {
    vm_disk use{};
    if (bpf_map_lookup_elem(uses, &key, &use) == 0 && use.in_flight == 0 &&
        (!has_vm(live, key.tgid) || use.last_ns + kUnusedNs < now_ns))
      bpf_map_delete_elem(uses, &key);
  });
}

void BpfPrograms::forget_all_but(const std::set<VmKey>& live) {
  const auto pairs = bpf_map__fd(object_->maps.blames);
  for_each_key<blame_key>(pairs, [&](const blame_key& key) {
    if (!live.contains({key.tgid, key.kvm})) bpf_map_delete_elem(pairs, &key);
  });
  const auto nested = bpf_map__fd(object_->maps.nested_vcpus);
  for_each_key<nested_key>(nested, [&](const nested_key& key) {
    if (!live.contains({key.tgid, key.kvm})) bpf_map_delete_elem(nested, &key);
  });
  const auto wakers = bpf_map__fd(object_->maps.wakers);
  for_each_key<waker_key>(wakers, [&](const waker_key& key) {
    if (!live.contains({key.tgid, key.kvm})) bpf_map_delete_elem(wakers, &key);
  });
  const auto processes = bpf_map__fd(object_->maps.vm_ios);
  for_each_key<uint32_t>(processes, [&](uint32_t tgid) {
    if (!has_vm(live, tgid)) bpf_map_delete_elem(processes, &tgid);
  });
  const auto queues = bpf_map__fd(object_->maps.tap_queues);
  for_each_key<tap_key>(queues, [&](const tap_key& key) {
    tap_queue queue{};
    if (bpf_map_lookup_elem(queues, &key, &queue) == 0 && !has_vm(live, queue.tgid))
      bpf_map_delete_elem(queues, &key);
  });
  forget_disks(live);
}

// The last slot of a VM gives its record back: nobody joins one to which no slot refers.
void BpfPrograms::leave_vm(vcpu_slot& slot) {
  if (slot.vm == FLOW_NO_VM || slot.vm >= slot_count_) return;
  vm_skew& vm = vms_[slot.vm];
  flow_move_part(&vm, &slot.part, FLOW_PART_NONE, monotonic_ns());
  if (__atomic_sub_fetch(&vm.vcpus, 1, __ATOMIC_ACQ_REL) != 0) return;
  const auto vms = bpf_map__fd(object_->maps.vm_index);
  uint32_t current = FLOW_NO_VM;
  if (bpf_map_lookup_elem(vms, &vm.kvm, &current) == 0 && current == slot.vm)
    bpf_map_delete_elem(vms, &vm.kvm);
  std::memset(static_cast<void*>(&vm), 0, sizeof(vm));
  bpf_map_update_elem(bpf_map__fd(object_->maps.free_vms), nullptr, &slot.vm, BPF_ANY);
}

void BpfPrograms::recycle(uint32_t index) {
  auto& slot = slots_[index];
  // The address may be another vCPU's by now, with a slot of its own.
  const auto vcpus = bpf_map__fd(object_->maps.vcpu_index);
  uint32_t current = FLOW_NO_SLOT;
  if (bpf_map_lookup_elem(vcpus, &slot.id.vcpu, &current) == 0 && current == index)
    bpf_map_delete_elem(vcpus, &slot.id.vcpu);
  leave_vm(slot);
  const auto generation = slot.id.generation;
  const auto seq = slot.seq;
  std::memset(static_cast<void*>(&slot), 0, sizeof(slot));
  slot.id.generation = generation;
  slot.seq = seq;
  bpf_map_update_elem(bpf_map__fd(object_->maps.free_slots), nullptr, &index, BPF_ANY);
}

}  // namespace vmflow
