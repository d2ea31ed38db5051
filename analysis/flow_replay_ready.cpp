// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_ready.h"

#include <algorithm>

#include "analysis/helper_threads.h"

namespace vmflow {
namespace {

constexpr size_t kMostCulprits = 65536;
constexpr size_t kMostBlames = 4 * FLOW_MAX_BLAMES;
// Of one wait; what comes later is nobody's in the timeline, and blamed in the sums all the same.
constexpr size_t kMostBlamedTimes = 64;

// Source: kthread_create() all over the kernel; those that run often. A name is the thread's own
// choice, so only one that is alone in its process and of no VM is believed.
constexpr std::string_view kKernelNames[] = {
    "cpuhp/",     "irq/",   "jbd2/",    "kcompactd", "khugepaged", "khungtaskd", "ksmd",
    "ksoftirqd/", "kswapd", "kthreadd", "kvm-",      "kworker/",   "migration/", "nvme",
    "oom_reaper", "rcu",    "scsi_eh",  "vhost-",    "watchdog",   "xfsaild/"};

uint32_t place_of(ReplayBook& book, const ReplayCulpritSeen& seen, flow_culprit kind) {
  if (kind == FLOW_CULPRIT_UNKNOWN && seen.tid == 0) return 0;
  const ReplayCulpritKey key{kind, seen.vm.tgid, seen.vm.kvm, seen.tid};
  const auto known = book.culprit_places.find(key);
  if (known != book.culprit_places.end()) return known->second;
  if (book.culprits.size() >= kMostCulprits) return 0;
  book.culprits.push_back({.kind = kind, .vm = seen.vm, .tid = seen.tid, .comm = seen.comm});
  const auto place = static_cast<uint32_t>(book.culprits.size() - 1);
  book.culprit_places[key] = place;
  return place;
}

// An idle CPU and what nobody knows need no row: they are the rest of the VM's own sums.
void add_to_matrix(ReplayBook& book, const ReplayVcpu& victim, const ReplayCulpritSeen& seen,
                   flow_culprit kind, uint64_t ns) {
  if (kind == FLOW_CULPRIT_NONE || kind == FLOW_CULPRIT_UNKNOWN) return;
  const ReplayBlameKey key{
      .victim = victim.number, .culprit = kind, .vcpu = seen.vcpu, .tgid = seen.vm.tgid};
  const auto known = book.blames.find(key);
  if (known != book.blames.end()) {
    known->second.ns += ns;
    return;
  }
  if (book.blames.size() >= kMostBlames) return book.count(ReplayAnomaly::kTooManyBlames);
  blame& first = book.blames[key];
  first.ns = ns;
  std::ranges::copy(seen.comm, first.comm);
}

void blame_until(ReplayBook& book, ReplayVcpu& vcpu, const ReplayCulpritSeen& seen, uint64_t ns,
                 bool throttled) {
  const uint64_t since_ns = vcpu.slot.flow.blame_since_ns;
  const flow_culprit kind = culprit_for(seen, vcpu);
  const uint64_t blamed_ns = flow_blame(&vcpu.slot.flow, ns, kind, throttled, 0);
  if (blamed_ns == 0) return;
  add_to_matrix(book, vcpu, seen, kind, blamed_ns);
  if (vcpu.blamed.size() < kMostBlamedTimes)
    vcpu.blamed.push_back({since_ns, since_ns + blamed_ns, place_of(book, seen, kind)});
}

}  // namespace

bool is_kernel_thread(const ReplayBook& book, uint32_t tid, uint32_t tgid, const Comm& comm) {
  if (tid == 0) return true;
  if ((tgid != 0 && tgid != tid) || book.is_vm_process(tid)) return false;
  const auto name = text_of(comm);
  return std::ranges::any_of(kKernelNames,
                             [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Twin of describe_holder().
ReplayCulpritSeen describe(ReplayBook& book, const ReplayHolder& holder) {
  ReplayCulpritSeen seen{.kind = FLOW_CULPRIT_UNKNOWN,
                         .vcpu = 0,
                         .vm = {},
                         .tid = holder.tid,
                         .comm = holder.comm,
                         .since_ns = holder.since_ns};
  if (!holder.is_told) return seen;
  if (holder.tid == 0) {
    seen.kind = FLOW_CULPRIT_NONE;
    return seen;
  }
  if (const ReplayVcpu* vcpu = book.run_by(holder.tid)) {
    seen.kind = FLOW_CULPRIT_OTHER_VM;
    seen.vcpu = vcpu->number;
    seen.vm = {vcpu->slot.id.tgid, vcpu->slot.id.kvm};
    return seen;
  }
  seen.vm.tgid = holder.tgid != 0 ? holder.tgid : book.process_of(holder.tid);
  // A thread of an unknown process may work for a VM.
  seen.kind = seen.vm.tgid != 0 ? FLOW_CULPRIT_HOST_TASK : FLOW_CULPRIT_UNKNOWN;
  if (is_kernel_thread(book, holder.tid, seen.vm.tgid, holder.comm)) {
    seen.kind = FLOW_CULPRIT_KERNEL_THREAD;
    seen.vm.tgid = holder.tid;
    const uint32_t owner = vhost_owner(text_of(holder.comm));
    if (owner == 0) return seen;
    const uint32_t process = book.process_of(owner);
    seen.vm.tgid = process != 0 ? process : owner;
  }
  if (book.is_vm_process(seen.vm.tgid)) seen.kind = FLOW_CULPRIT_OTHER_VM;
  return seen;
}

flow_culprit culprit_for(const ReplayCulpritSeen& seen, const ReplayVcpu& victim) {
  if (seen.kind != FLOW_CULPRIT_OTHER_VM) return seen.kind;
  const vcpu_identity& id = victim.slot.id;
  const bool is_own = seen.vm.kvm != 0 ? seen.vm.kvm == id.kvm : seen.vm.tgid == id.tgid;
  return is_own ? FLOW_CULPRIT_OWN_VM : FLOW_CULPRIT_OTHER_VM;
}

void list_waiter(ReplayBook& book, ReplayCpu& cpu, ReplayVcpu& vcpu) {
  const auto place = std::ranges::find(cpu.waiter, 0u);
  if (place == cpu.waiter.end()) {
    book.count(ReplayAnomaly::kTooManyWaiters);
    flow_forget_blame(&vcpu.slot.flow);
    return;
  }
  *place = vcpu.number;
  vcpu.slot.waits_at = cpu.number + 1;
  vcpu.slot.waits_in = static_cast<uint32_t>(place - cpu.waiter.begin());
}

void unlist_waiter(ReplayBook& book, ReplayVcpu& vcpu) {
  const uint32_t at = vcpu.slot.waits_at, in = vcpu.slot.waits_in;
  vcpu.slot.waits_at = 0;
  if (at == 0 || at > book.cpus.size() || in >= FLOW_WAITERS) return;
  uint32_t& place = book.cpus[at - 1].waiter[in];
  if (place == vcpu.number) place = 0;
}

void begin_woken_wait(ReplayBook& book, ReplayVcpu& vcpu) {
  vcpu_flow& flow = vcpu.slot.flow;
  uint32_t kind = FLOW_WAKE_BARE;
  if (flow.blame_since_ns != 0 || !flow_sleeps(&flow)) return;
  const uint64_t woken_ns = flow_wake_of(&vcpu.slot.mailbox, flow.armed_ns, &kind);
  if (woken_ns == 0) return;
  vcpu.blamed.clear();
  flow_wait(&flow, std::max<uint64_t>(woken_ns, flow.last_ns), vcpu.slot.woken_throttled);
  replay_part(book, vcpu, FLOW_PART_READY, flow.blame_since_ns);
}

void blame_for(ReplayBook& book, ReplayVcpu& vcpu, const ReplayCulpritSeen& seen, uint64_t ns,
               bool throttled) {
  // Before it had the CPU, somebody had whom no event has told.
  if (seen.since_ns > vcpu.slot.flow.blame_since_ns && vcpu.slot.flow.blame_since_ns != 0)
    blame_until(book, vcpu, {}, std::min(seen.since_ns, ns), vcpu.slot.flow.throttled != 0);
  blame_until(book, vcpu, seen, ns, throttled);
}

void tell_waiters(ReplayBook& book, ReplayCpu& cpu, const ReplayCulpritSeen& seen, ReplayVcpu* next,
                  uint64_t next_ns, uint64_t ns) {
  if (next && next->slot.waits_at != 0) {
    if (next->counts(next_ns)) {
      begin_woken_wait(book, *next);
      const bool is_here = next->slot.waits_at == cpu.number + 1;
      blame_for(book, *next, is_here ? seen : ReplayCulpritSeen{}, next_ns, false);
    }
    unlist_waiter(book, *next);
  }
  for (const uint32_t number : cpu.waiter) {
    ReplayVcpu* vcpu = book.vcpu_at(number);
    if (!vcpu || vcpu->number == seen.vcpu || !vcpu->counts(ns)) continue;
    begin_woken_wait(book, *vcpu);
    blame_for(book, *vcpu, seen, ns, vcpu->slot.flow.throttled != 0);
  }
}

}  // namespace vmflow
