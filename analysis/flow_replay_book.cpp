// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_book.h"

#include <algorithm>

namespace vmflow {

ReplayCpu* ReplayBook::cpu_at(uint32_t number) {
  if (number >= options.max_cpus) {
    count(ReplayAnomaly::kImpossibleCpu);
    return nullptr;
  }
  while (cpus.size() <= number) {
    const auto next = static_cast<uint32_t>(cpus.size());
    cpus.emplace_back().number = next;
  }
  return &cpus[number];
}

ReplayVcpu* ReplayBook::run_by(uint32_t tid) {
  const auto found = vcpu_by_tid.find(tid);
  return found == vcpu_by_tid.end() ? nullptr : vcpu_at(found->second);
}

uint32_t ReplayBook::process_of(uint32_t tid) const {
  const auto found = process_by_tid.find(tid);
  return found == process_by_tid.end() ? 0 : found->second;
}

void ReplayBook::learn_process(uint32_t tid, uint32_t tgid) {
  if (tid == 0 || tgid == 0) return;
  const auto found = process_by_tid.find(tid);
  if (found != process_by_tid.end())
    found->second = tgid;
  else if (process_by_tid.size() < options.max_threads)
    process_by_tid[tid] = tgid;
  else
    count(ReplayAnomaly::kTooManyThreads);
}

ReplayContext ReplayBook::context_of(const Event& event) {
  ReplayContext context;
  context.cpu = cpu_at(event.cpu);
  if (context.cpu == nullptr) return context;
  ReplayHolder& holder = context.cpu->holder;
  // A switch was lost, or none is in the trace: who has the CPU is known from here on.
  if (event.tid != 0 && (!holder.is_told || holder.tid != event.tid))
    holder = {.since_ns = holder.is_told || holder.since_ns != 0 ? event.ns : 0,
              .tid = event.tid,
              .tgid = 0,
              .comm = {},
              .is_told = true};
  if (holder.tgid == 0) holder.tgid = event.tgid != 0 ? event.tgid : process_of(holder.tid);
  context.tid = holder.tid;
  context.tgid = holder.tgid;
  context.comm = holder.comm;
  context.vcpu = run_by(context.tid);
  // Without any event of interrupts: what the idle task seems to do is done by one.
  context.is_hardirq =
      vocabulary.irqs ? context.cpu->irq_depth != 0 : holder.is_told && holder.tid == 0;
  return context;
}

ReplayVcpu* ReplayBook::vcpu_of(const Event& event, std::optional<uint32_t> id) {
  const ReplayContext context = context_of(event);
  const uint32_t tid = context.tid;
  if (context.cpu == nullptr) return nullptr;
  if (tid == 0) {
    count(ReplayAnomaly::kUnknownVcpu);
    return nullptr;
  }
  learn_process(tid, event.tgid);
  ReplayVcpu* vcpu = context.vcpu;
  const bool is_other_vm =
      vcpu && event.kvm != 0 && vcpu->slot.id.kvm != 0 && vcpu->slot.id.kvm != event.kvm;
  const bool is_other_id = vcpu && id && vcpu->id_told && vcpu->slot.id.vcpu_id != *id;
  if (!vcpu || is_other_vm || is_other_id) vcpu = take(event, tid, id);
  if (!vcpu) return nullptr;
  vcpu->cpu = event.cpu;
  learn_vm(*vcpu, event.tgid, event.kvm);
  if (id && !vcpu->id_told) learn_id(*vcpu, *id);
  return vcpu;
}

ReplayIdKey ReplayBook::id_key(const ReplayVcpu& vcpu) const {
  return {vcpu.slot.id.tgid, vcpu.slot.id.vcpu_id, vcpu.slot.id.kvm};
}

void ReplayBook::learn_id(ReplayVcpu& vcpu, uint32_t id) {
  const ReplayIdKey key{vcpu.slot.id.tgid, id, vcpu.slot.id.kvm};
  if (!vcpu_by_id.try_emplace(key, vcpu.number).second) return;
  vcpu.slot.id.vcpu_id = id;
  vcpu.id_told = true;
}

ReplayVcpu* ReplayBook::called(uint32_t tgid, uint64_t kvm, uint32_t id) {
  const auto found = vcpu_by_id.lower_bound({tgid, id, kvm});
  if (found == vcpu_by_id.end()) return nullptr;
  const auto& [its_tgid, its_id, its_kvm] = found->first;
  if (its_tgid != tgid || its_id != id || (kvm != 0 && its_kvm != kvm)) return nullptr;
  return vcpu_at(found->second);
}

// Twin of bind_slot() of bpf/maps.bpf.h.
ReplayVcpu* ReplayBook::take(const Event& event, uint32_t tid, std::optional<uint32_t> id) {
  const uint32_t process = event.tgid != 0 ? event.tgid : process_of(tid);
  const uint64_t kvm = event.kvm != 0 ? event.kvm : kvm_of(process);
  ReplayVcpu* vcpu = id && process ? called(process, kvm, *id) : nullptr;
  if (!vcpu) {
    if (process == 0) count(ReplayAnomaly::kProcessUntold);
    vcpu = add({.kvm = kvm,
                .vcpu = 0,
                .taken_ns = event.ns,
                .tgid = process ? process : tid,
                .tid = tid,
                .vcpu_id = id.value_or(tid),
                .generation = 1},
               id.has_value());
    if (!vcpu) return nullptr;
    vcpu->process_told = process != 0;
  }
  bind(*vcpu, tid, event.ns);
  return vcpu;
}

ReplayVcpu* ReplayBook::add(const vcpu_identity& id, bool id_told) {
  if (vcpus.size() >= options.max_vcpus) {
    count(ReplayAnomaly::kTooManyVcpus);
    return nullptr;
  }
  auto vcpu = std::make_unique<ReplayVcpu>();
  vcpu->number = static_cast<uint32_t>(vcpus.size()) + 1;
  vcpu->slot.in_use = 1;
  vcpu->slot.id = id;
  // Made up, where the trace tells no address: what counts is that no two are the same.
  if (id.vcpu == 0) vcpu->slot.id.vcpu = vcpu->number;
  vm_processes.insert(id.tgid);
  join_vm(*vcpu);
  if (id_told) learn_id(*vcpu, id.vcpu_id);
  vcpus.push_back(std::move(vcpu));
  return vcpus.back().get();
}

void ReplayBook::bind(ReplayVcpu& vcpu, uint32_t tid, uint64_t ns) {
  if (ReplayVcpu* left = run_by(tid); left && left != &vcpu) leave_thread(*left, ns);
  const auto before = vcpu_by_tid.find(vcpu.slot.id.tid);
  if (vcpu.slot.id.tid != tid && before != vcpu_by_tid.end() && before->second == vcpu.number)
    vcpu_by_tid.erase(before);
  if (vcpu.slot.id.tid != tid && vcpu.slot.flow.state == FLOW_VMM_BLOCKED && vcpu.counts(ns))
    step(vcpu, [&] {
      flow_post_wake(&vcpu.slot.mailbox, ns, flow_waker(tid, FLOW_WAKE_BARE));
      flow_in(&vcpu.slot.flow, &vcpu.slot.mailbox, ns, 0, 0, 0);
    });
  vcpu.slot.id.tid = tid;
  vcpu_by_tid[tid] = vcpu.number;
  replay_part(*this, vcpu, FLOW_PART_ON_CPU, ns);
}

// The vCPU that the thread ran before sleeps until some thread runs it again.
void ReplayBook::leave_thread(ReplayVcpu& left, uint64_t ns) {
  if (left.counts(ns)) step(left, [&] { flow_out(&left.slot.flow, ns, FLOW_VMM_BLOCKED); });
  replay_part(*this, left, FLOW_PART_NONE, ns);
  vcpu_by_tid.erase(left.slot.id.tid);
  left.slot.id.tid = 0;
}

void ReplayBook::end_thread(ReplayVcpu& vcpu) {
  vcpu_by_tid.erase(vcpu.slot.id.tid);
  if (vcpu.id_told) vcpu_by_id.erase(id_key(vcpu));
}

// The VM of a process, if it has one VM only.
uint64_t ReplayBook::kvm_of(uint32_t tgid) const {
  if (tgid == 0) return 0;
  uint64_t kvm = 0;
  for (auto vm = vm_by_key.lower_bound({tgid, 0}); vm != vm_by_key.end() && vm->first.tgid == tgid;
       ++vm) {
    if (kvm != 0 && vm->first.kvm != kvm) return 0;
    kvm = vm->first.kvm;
  }
  return kvm;
}

void ReplayBook::learn_vm(ReplayVcpu& vcpu, uint32_t tgid, uint64_t kvm) {
  const bool new_process = tgid != 0 && !vcpu.process_told;
  const bool new_kvm = kvm != 0 && vcpu.slot.id.kvm == 0;
  if (!new_process && !new_kvm) return;
  if (vcpu.id_told) vcpu_by_id.erase(id_key(vcpu));
  if (new_process) {
    vcpu.process_told = true;
    vcpu.slot.id.tgid = tgid;
    vm_processes.insert(tgid);
  }
  if (new_kvm) vcpu.slot.id.kvm = kvm;
  if (vcpu.id_told) vcpu_by_id.insert_or_assign(id_key(vcpu), vcpu.number);
  join_vm(vcpu);
}

void ReplayBook::join_vm(ReplayVcpu& vcpu) {
  const uint64_t part = vcpu.slot.part;
  const uint64_t ns = std::max<uint64_t>(last_ns, vcpu.slot.id.taken_ns);
  replay_part(*this, vcpu, FLOW_PART_NONE, ns);
  if (const auto old = skews.find(vcpu.slot.vm); old != skews.end()) old->second.vcpus--;
  const VmKey key{vcpu.slot.id.tgid, vcpu.slot.id.kvm};
  const auto vm =
      vm_by_key.try_emplace(key, static_cast<uint32_t>(vm_by_key.size()) + 1).first->second;
  vm_skew& skew = skews[vm];
  if (skew.taken_ns == 0) skew.taken_ns = ns;
  skew.kvm = key.kvm;
  skew.vcpus++;
  vcpu.slot.vm = vm;
  replay_part(*this, vcpu, part, ns);
}

void replay_part(ReplayBook& book, ReplayVcpu& vcpu, uint64_t part, uint64_t ns) {
  const auto vm = book.skews.find(vcpu.slot.vm);
  if (vm == book.skews.end()) return;
  __u64 now = vcpu.slot.part;
  flow_move_part(&vm->second, &now, part, ns);
  vcpu.slot.part = now;
}

}  // namespace vmflow
