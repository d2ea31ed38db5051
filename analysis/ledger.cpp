// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/ledger.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "analysis/hold.h"

namespace vmflow {
namespace {

using VcpuEntry = std::map<SlotKey, VcpuCarry>::iterator;

SlotKey key_of(const SlotCopy& copy) {
  return {copy.index, copy.slot.id.generation};
}

// The kernel fills a slot in two steps; before the second nobody owns it.
bool has_owner(const vcpu_slot& slot) {
  return slot.id.tgid != 0;
}

// What of a state its parts do not say yet.
template <size_t kParts>
uint64_t without(uint64_t state_ns, const std::array<uint64_t, kParts>& parts) {
  const uint64_t sum = std::accumulate(parts.begin(), parts.end(), uint64_t{0});
  return std::max(state_ns, sum) - sum;
}

void take_in(Carry& carry, const SlotCopy& copy, uint64_t now_ns) {
  const vcpu_slot& slot = copy.slot;
  VcpuCarry& vcpu = carry.vcpus[key_of(copy)];
  VcpuReading reading = read_vcpu(slot, now_ns);
  carry.clamps += hold(reading.totals, vcpu.reported.totals);
  for (uint32_t state = 0; state < FLOW_STATES; state++)
    if (is_wait(state))
      reading.open_wait_ns[state] =
          std::max<uint64_t>(reading.totals.ns[state], slot.flow.ns[state]) - slot.flow.ns[state];
  reading.open_wait_ns[FLOW_HALTED] =
      without(reading.totals.ns[FLOW_HALTED], reading.totals.wait_ns);
  reading.open_wait_ns[FLOW_VMM_BLOCKED] =
      without(reading.totals.ns[FLOW_VMM_BLOCKED], reading.totals.block_ns);
  reading.open_wait_ns[FLOW_READY] =
      without(reading.totals.ns[FLOW_READY], reading.totals.culprit_ns);
  reading.pending_ns =
      without(std::accumulate(reading.totals.ns.begin(), reading.totals.ns.end(), uint64_t{0}),
              reading.totals.level_ns);
  vcpu.vm = {slot.id.tgid, slot.id.kvm};
  vcpu.vcpu = slot.id.vcpu;
  vcpu.vcpu_id = slot.id.vcpu_id;
  vcpu.tid = slot.end.thread_exit_ns == 0 ? slot.id.tid : 0;
  vcpu.skew = slot.vm;
  vcpu.taken_ns = slot.id.taken_ns;
  vcpu.thread_exit_ns = slot.end.thread_exit_ns;
  vcpu.destroyed_ns = slot.end.destroyed_ns;
  vcpu.reported = reading;
}

// Nobody will say any more what a vCPU was waiting for that has ended in its wait.
VcpuTotals final_totals(const VcpuCarry& vcpu) {
  VcpuTotals totals = vcpu.reported.totals;
  const uint64_t halted_ns = vcpu.reported.open_wait_ns[FLOW_HALTED];
  totals.wait_ns[FLOW_WAKE_BARE] += halted_ns;
  if (halted_ns != 0) totals.waited[FLOW_WAKE_BARE][flow_wait_bucket(halted_ns)]++;
  totals.block_ns[FLOW_BLOCK_OTHER] += vcpu.reported.open_wait_ns[FLOW_VMM_BLOCKED];
  totals.culprit_ns[FLOW_CULPRIT_UNKNOWN] += vcpu.reported.open_wait_ns[FLOW_READY];
  totals.level_ns[FLOW_LEVEL_REST] += vcpu.reported.pending_ns;
  return totals;
}

void retire(Carry& carry, const VcpuCarry& vcpu) {
  carry.vms[vcpu.vm].retired[vcpu.vcpu_id] += final_totals(vcpu);
}

// Another thread runs this vCPU now, in a slot of its own; KVM will report the end of that one
// only.
bool is_taken_over(const VcpuCarry& vcpu, const std::vector<VcpuEntry>& vm_vcpus) {
  return vcpu.thread_exit_ns != 0 && std::ranges::any_of(vm_vcpus, [&](VcpuEntry other) {
           return &other->second != &vcpu && other->second.vcpu == vcpu.vcpu &&
                  other->second.taken_ns >= vcpu.thread_exit_ns;
         });
}

void finish(Carry& carry, VcpuEntry vcpu) {
  carry.finished.insert(vcpu->first);
  carry.vcpus.erase(vcpu);
}

// When the VM that owns the key now began: a process may close a VM and get the same address for
// the next one between two snapshots.
uint64_t began_ns(const std::vector<VcpuEntry>& vm_vcpus) {
  uint64_t began = std::numeric_limits<uint64_t>::max();
  for (auto vcpu : vm_vcpus)
    if (vcpu->second.thread_exit_ns == 0 && vcpu->second.destroyed_ns == 0)
      began = std::min(began, vcpu->second.taken_ns);
  return began;
}

bool is_gone(const VmCarry& vm, bool process_gone, const std::vector<VcpuEntry>& vm_vcpus) {
  const auto all = [&](auto test) { return std::ranges::all_of(vm_vcpus, test); };
  if (!all([](VcpuEntry v) { return !v->second.torn; })) return false;
  if (all([](VcpuEntry v) { return v->second.destroyed_ns != 0; })) return true;
  if (!process_gone) return false;
  // The process may have died after its slots were read: then the next snapshot has the final
  // values.
  return vm.process_gone ||
         all([](VcpuEntry v) { return v->second.destroyed_ns || v->second.thread_exit_ns; });
}

void depart_vm(Carry& carry, const VmKey& key, const std::vector<VcpuEntry>& vm_vcpus) {
  const auto vm = carry.vms.find(key);
  for (const auto& [id, totals] : vm->second.retired) carry.departed += totals;
  for (auto vcpu : vm_vcpus) {
    carry.departed += final_totals(vcpu->second);
    finish(carry, vcpu);
  }
  carry.departed_vms++;
  carry.labels.take_back(vm->second.label);
  carry.vms.erase(vm);
}

/// Moves the entries that `test` holds for out of `from`. All are tested before any is touched: a
/// test may look at the others, and an entry may be erased once it is out.
template <typename Test>
std::vector<VcpuEntry> split_off(std::vector<VcpuEntry>& from, Test test) {
  std::vector<VcpuEntry> out, rest;
  for (auto vcpu : from) (test(vcpu) ? out : rest).push_back(vcpu);
  from = std::move(rest);
  return out;
}

void settle_vm(Carry& carry, const VmKey& key, bool process_gone, std::vector<VcpuEntry> vcpus) {
  const auto all = vcpus;
  for (auto vcpu : split_off(vcpus, [&](VcpuEntry v) {
         return !v->second.torn && v->second.destroyed_ns == 0 && is_taken_over(v->second, all);
       })) {
    retire(carry, vcpu->second);
    finish(carry, vcpu);
  }
  const uint64_t began = began_ns(vcpus);
  const auto earlier = [&](VcpuEntry v) {
    return v->second.destroyed_ns != 0 && v->second.destroyed_ns <= began;
  };
  if (!std::ranges::all_of(vcpus, earlier))
    if (const auto old = split_off(vcpus, earlier); !old.empty()) {
      depart_vm(carry, key, old);
      carry.vms[key];
    }
  VmCarry& vm = carry.vms[key];
  if (is_gone(vm, process_gone, vcpus))
    depart_vm(carry, key, vcpus);
  else
    vm.process_gone = process_gone;
}

bool is_process_gone(const Snapshot& snapshot, const VmKey& key) {
  const auto found = snapshot.identities.find(key);
  return found != snapshot.identities.end() && !found->second.alive;
}

}  // namespace

void take_in_slots(Carry& carry, const Snapshot& snapshot) {
  struct Seen {
    uint32_t generation = 0;
    bool is_there = false;
    bool is_taken_in = false;
  };
  std::vector<Seen> seen;  // by slot
  for (const auto& copy : snapshot.slots) {
    if (copy.index >= seen.size()) seen.resize(copy.index + 1);
    const bool counts = !carry.finished.contains(key_of(copy)) && has_owner(copy.slot);
    seen[copy.index] = {copy.slot.id.generation, true, counts};
    if (counts) take_in(carry, copy, snapshot.now_ns);
  }
  const auto seen_at = [&](uint32_t index) { return index < seen.size() ? seen[index] : Seen{}; };
  // Absent may mean torn; another owner, or no torn slot at all, means recycled.
  const auto recycled = [&](const SlotKey& key) {
    const auto now = seen_at(key.index);
    return now.is_there ? now.generation != key.generation : snapshot.torn_slots == 0;
  };
  std::erase_if(carry.finished, recycled);
  // Each is far away in memory: once is enough.
  for (auto entry = carry.vcpus.begin(); entry != carry.vcpus.end();) {
    auto& [key, vcpu] = *entry;
    if (recycled(key)) {
      retire(carry, vcpu);
      entry = carry.vcpus.erase(entry);
      continue;
    }
    vcpu.torn = !seen_at(key.index).is_taken_in;
    ++entry;
  }
  carry.torn_slots += snapshot.torn_slots;
}

void depart(Carry& carry, const Snapshot& snapshot) {
  // By VM, of one by slot. What is settled for one VM touches no other.
  std::vector<VcpuEntry> vcpus;
  vcpus.reserve(carry.vcpus.size());
  for (auto vcpu = carry.vcpus.begin(); vcpu != carry.vcpus.end(); ++vcpu) vcpus.push_back(vcpu);
  const auto vm_of = [](VcpuEntry vcpu) { return vcpu->second.vm; };
  if (!std::ranges::is_sorted(vcpus, {}, vm_of)) std::ranges::stable_sort(vcpus, {}, vm_of);
  std::vector<VmKey> known, running, vms;
  for (const auto& [key, vm] : carry.vms) known.push_back(key);
  for (auto vcpu : vcpus)
    if (running.empty() || running.back() != vm_of(vcpu)) running.push_back(vm_of(vcpu));
  std::ranges::set_union(known, running, std::back_inserter(vms));
  auto from = vcpus.begin();
  for (const auto& key : vms) {
    const auto to = std::find_if(from, vcpus.end(), [&](VcpuEntry v) { return vm_of(v) != key; });
    settle_vm(carry, key, is_process_gone(snapshot, key), {from, to});
    from = to;
  }
}

void label_vms(Carry& carry, const Snapshot& snapshot) {
  struct New {
    VmKey key;
    VmIdentity identity;
  };
  std::vector<New> unlabelled;
  for (auto& [key, vm] : carry.vms) {
    const auto identity = snapshot.identities.find(key);
    const bool known = identity != snapshot.identities.end();
    if (vm.identified || (!known && !vm.label.empty())) continue;
    if (known && !vm.label.empty()) carry.labels.take_back(vm.label);
    vm.identified = known;
    unlabelled.push_back({key, known ? identity->second : VmIdentity{}});
  }
  std::ranges::stable_sort(unlabelled, {}, [](const New& vm) { return vm.identity.start_ticks; });
  for (const auto& vm : unlabelled) {
    auto given = carry.labels.give(vm.key, vm.identity);
    carry.duplicate_uuids += given.duplicate_uuid;
    carry.vms[vm.key].label = std::move(given.label);
  }
}

std::vector<SlotKey> recyclable_slots(const Carry& carry, const Snapshot& snapshot) {
  std::vector<SlotKey> recyclable;
  for (const auto& copy : snapshot.slots)
    if (carry.finished.contains(key_of(copy))) recyclable.push_back(key_of(copy));
  return recyclable;
}

}  // namespace vmflow
