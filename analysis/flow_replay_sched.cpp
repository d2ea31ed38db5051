// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_sched.h"

#include "analysis/exit_reason.h"
#include "analysis/flow_replay_ready.h"

namespace vmflow {
namespace {

// A wake-up's own migration is told right after it; an emulated CPU may stand still between.
constexpr uint64_t kMoveNs = 5'000'000;
constexpr size_t kMostWakers = FLOW_MAX_WAKERS;

// include/linux/sched.h
constexpr uint64_t kStoppedOrTraced = 0x4 | 0x8;

/// What a vCPU that leaves its CPU goes into.
struct Out {
  uint32_t state = FLOW_VMM_BLOCKED;
  uint32_t block = FLOW_BLOCK_OTHER;
  bool throttled = false;
};

// Twin of state_after_out() and block_of(), but for what only KVM and the task can tell: whether
// the vCPU is halted is told by its last exit, and neither a futex nor the wait for a disk is seen.
Out inferred(const ReplayBook& book, const ReplayVcpu& vcpu, const SwitchEvent& change) {
  const vcpu_flow& flow = vcpu.slot.flow;
  if (is_runnable(change)) return {.state = FLOW_READY};
  if (static_cast<uint64_t>(change.prev_state) & kStoppedOrTraced) return {.state = FLOW_PAUSED};
  if (!vcpu.in_kvm_run) {
    if (flow.last_userspace == FLOW_KVM_EXIT_INTR) return {.state = FLOW_PAUSED};
    return {.state = FLOW_VMM_BLOCKED};
  }
  if (flow.exit_index == halt_exit(book.vendor)) return {.state = FLOW_HALTED};
  return {.state = FLOW_VMM_BLOCKED,
          .block = flow.exit_index == page_fault_exit(book.vendor) ? FLOW_BLOCK_MEMORY
                                                                   : FLOW_BLOCK_OTHER};
}

bool is_place_to_go(uint32_t state) {
  return state == FLOW_READY || state == FLOW_HALTED || state == FLOW_VMM_BLOCKED ||
         state == FLOW_PAUSED;
}

void leave_cpu(ReplayBook& book, ReplayCpu& cpu, ReplayVcpu& vcpu, uint64_t ns, const Out& out) {
  unlist_waiter(book, vcpu);
  vcpu.cpu = cpu.number;
  vcpu.waking.may_move = false;
  if (!vcpu.counts(ns)) return;
  vcpu_flow& flow = vcpu.slot.flow;
  book.step(vcpu, [&] { flow_out(&flow, ns, out.state); });
  vcpu.blamed.clear();
  if (out.state == FLOW_VMM_BLOCKED)
    flow.block = out.block < FLOW_BLOCKS ? out.block : uint32_t{FLOW_BLOCK_OTHER};
  if (out.state != FLOW_READY) return replay_part(book, vcpu, FLOW_PART_NONE, ns);
  flow_wait(&flow, ns, out.throttled);
  list_waiter(book, cpu, vcpu);
  replay_part(book, vcpu, out.throttled ? FLOW_PART_NONE : FLOW_PART_READY, ns);
}

// A halt of `ns` was ended by a sibling's interrupt.
void count_waker(ReplayBook& book, const ReplayVcpu& vcpu, uint64_t ns) {
  const ReplayWakerKey key{vcpu.number, flow_newest_waker(&vcpu.slot.mailbox)};
  const auto known = book.wakers.find(key);
  if (known == book.wakers.end() && book.wakers.size() >= kMostWakers)
    return book.count(ReplayAnomaly::kTooManyWakers);
  waker_count& count = book.wakers[key];
  count.count++;
  count.ns += ns;
}

void come_to_cpu(ReplayBook& book, ReplayCpu& cpu, ReplayVcpu& vcpu, uint64_t ns,
                 const VcpuInEvent& in) {
  unlist_waiter(book, vcpu);
  vcpu.cpu = cpu.number;
  vcpu.waking.may_move = false;
  vcpu.in_kvm_run = in.in_kvm_run;
  if (!vcpu.counts(ns)) return;
  vcpu_flow& flow = vcpu.slot.flow;
  const uint64_t before_ns = flow.wait_ns[FLOW_WAKE_IPI];
  book.step(vcpu, [&] {
    flow_in(&flow, &vcpu.slot.mailbox, ns, in.in_kvm_run, in.disk_pending_ns, in.net_pending_ns);
  });
  vcpu.blamed.clear();
  replay_part(book, vcpu, FLOW_PART_ON_CPU, ns);
  const uint64_t ipi_ns = flow.wait_ns[FLOW_WAKE_IPI] - before_ns;
  if (ipi_ns != 0) count_waker(book, vcpu, ipi_ns);
}

// Who leaves the CPU, and since when it had it: since the last switch there, if that was to this
// thread.
ReplayHolder leaver(ReplayBook& book, const ReplayCpu& cpu, const Event& event,
                    const SwitchEvent& change) {
  ReplayHolder holder = cpu.holder;
  if (!holder.is_told || holder.tid != change.prev_tid)
    holder.since_ns = holder.is_told || holder.since_ns != 0 ? event.ns : 0;
  holder.tid = change.prev_tid;
  holder.tgid = event.tgid != 0 ? event.tgid : book.process_of(change.prev_tid);
  holder.comm = change.prev_comm;
  holder.is_told = true;
  return holder;
}

void leave_by_switch(ReplayBook& book, ReplayCpu& cpu, ReplayVcpu& vcpu, const Event& event,
                     const SwitchEvent& change, ReplayTold<VcpuOutEvent> out) {
  Out to;
  uint64_t ns = event.ns;
  if (out.data) {
    book.vocabulary.outs = vcpu.outs_told = true;
    to = {out.data->state, out.data->block, out.data->throttled};
    ns = out.event->ns;
  } else if (vcpu.outs_told || book.options.outs_told) {
    return;
  } else {
    to = inferred(book, vcpu, change);
  }
  leave_cpu(book, cpu, vcpu, ns, to);
  if (to.state == FLOW_READY && vcpu.counts(ns))
    flow_preempt(&vcpu.slot.flow, culprit_for(describe(book, cpu.holder), vcpu));
}

void come_by_switch(ReplayBook& book, ReplayCpu& cpu, ReplayVcpu& vcpu, uint64_t ns,
                    ReplayTold<VcpuInEvent> in) {
  if (in.data) {
    book.vocabulary.outs = vcpu.outs_told = true;
    come_to_cpu(book, cpu, vcpu, in.event->ns, *in.data);
  } else if (!vcpu.outs_told && !book.options.outs_told) {
    come_to_cpu(book, cpu, vcpu, ns,
                {.in_kvm_run = vcpu.in_kvm_run, .disk_pending_ns = 0, .net_pending_ns = 0});
  }
}

}  // namespace

void replay_switch(ReplayBook& book, const Event& event, const SwitchEvent& change,
                   ReplayTold<VcpuOutEvent> out, ReplayTold<VcpuInEvent> in) {
  ReplayCpu* cpu = book.cpu_at(event.cpu);
  if (!cpu) return;
  book.vocabulary.switches = true;
  book.learn_process(change.prev_tid, event.tgid);
  if (out.data && !is_place_to_go(out.data->state)) {
    book.count(ReplayAnomaly::kImpossibleState);
    out = {};
  }
  // The scheduler switches outside interrupts only: what has not ended by then was missed.
  cpu->irq_depth = 0;
  ReplayVcpu* prev = out.data ? book.vcpu_of(*out.event) : book.run_by(change.prev_tid);
  const ReplayHolder left = leaver(book, *cpu, event, change);
  const ReplayCulpritSeen seen = describe(book, left);
  cpu->holder = {.since_ns = event.ns,
                 .tid = change.next_tid,
                 .tgid = book.process_of(change.next_tid),
                 .comm = change.next_comm,
                 .is_told = true};
  ReplayVcpu* next = in.data ? book.vcpu_of(*in.event) : book.run_by(change.next_tid);
  tell_waiters(book, *cpu, seen, next, in.data ? in.event->ns : event.ns, event.ns);
  if (prev) leave_by_switch(book, *cpu, *prev, event, change, out);
  if (next) come_by_switch(book, *cpu, *next, event.ns, in);
}

void replay_out(ReplayBook& book, const Event& event, const VcpuOutEvent& out) {
  if (!is_place_to_go(out.state)) return book.count(ReplayAnomaly::kImpossibleState);
  ReplayVcpu* vcpu = book.vcpu_of(event);
  if (!vcpu) return;
  ReplayCpu& cpu = *book.cpu_at(event.cpu);
  book.vocabulary.outs = vcpu->outs_told = true;
  tell_waiters(book, cpu, describe(book, cpu.holder), nullptr, event.ns, event.ns);
  leave_cpu(book, cpu, *vcpu, event.ns, {out.state, out.block, out.throttled});
  cpu.holder = {.since_ns = event.ns, .tid = 0, .tgid = 0, .comm = {}, .is_told = false};
}

void replay_in(ReplayBook& book, const Event& event, const VcpuInEvent& in) {
  ReplayCpu* cpu = book.cpu_at(event.cpu);
  if (!cpu) return;
  ReplayHolder left = cpu->holder;
  if (left.tid == event.tid) left.is_told = false;
  ReplayVcpu* vcpu = book.vcpu_of(event);
  if (!vcpu) return;
  book.vocabulary.outs = vcpu->outs_told = true;
  tell_waiters(book, *cpu, describe(book, left), vcpu, event.ns, event.ns);
  come_to_cpu(book, *cpu, *vcpu, event.ns, in);
}

void replay_migrate(ReplayBook& book, const Event& event, const MigrateEvent& move) {
  ReplayVcpu* vcpu = book.run_by(move.tid);
  ReplayCpu* to = book.cpu_at(move.to_cpu);
  if (!vcpu || !to) return;
  vcpu->cpu = move.to_cpu;
  if (vcpu->slot.waits_at == 0) return;
  const ReplayContext context = book.context_of(event);
  const ReplayWaking& waking = vcpu->waking;
  const bool is_of_waking = waking.may_move && waking.cpu == event.cpu &&
                            waking.tid == context.tid && event.ns - waking.ns < kMoveNs;
  vcpu->waking.may_move = false;
  // Whoever has the CPU that it comes to answers for all of its wait, if it is being woken.
  if (!is_of_waking && vcpu->counts(event.ns)) {
    const ReplayCpu& from = book.cpus[vcpu->slot.waits_at - 1];
    begin_woken_wait(book, *vcpu);
    blame_for(book, *vcpu, describe(book, from.holder), event.ns, vcpu->slot.flow.throttled != 0);
  }
  unlist_waiter(book, *vcpu);
  list_waiter(book, *to, *vcpu);
}

void replay_thread_exit(ReplayBook& book, const Event& event, const ThreadExitEvent& end) {
  ReplayVcpu* vcpu = book.run_by(end.tid);
  book.process_by_tid.erase(end.tid);
  if (!vcpu) return;
  unlist_waiter(book, *vcpu);
  if (vcpu->counts(event.ns)) {
    book.step(*vcpu, [&] { flow_end(&vcpu->slot.flow, event.ns); });
    vcpu->slot.end.thread_exit_ns = event.ns;
    replay_part(book, *vcpu, FLOW_PART_NONE, event.ns);
  }
  book.end_thread(*vcpu);
}

}  // namespace vmflow
