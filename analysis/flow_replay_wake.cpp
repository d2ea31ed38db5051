// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_wake.h"

#include "analysis/flow_replay_guest.h"
#include "analysis/flow_replay_ready.h"

namespace vmflow {
namespace {

// JOIN_NS of bpf/wake.bpf.h.
constexpr uint64_t kJoinNs = 5'000'000;

bool is_just_before(uint64_t then_ns, uint64_t now_ns) {
  return now_ns >= then_ns && now_ns - then_ns < kJoinNs;
}

// Twin of kind_of_giver() of bpf/wake.bpf.h.
flow_wake_kind kind_of_giver(const ReplayBook& book, const ReplayContext& context, bool is_routed) {
  if (context.vcpu && context.vcpu->in_kvm_run) return is_routed ? FLOW_WAKE_VMM : FLOW_WAKE_IPI;
  const auto name = text_of(context.comm);
  if (name.starts_with("vhost-")) return FLOW_WAKE_VHOST;
  if (!is_kernel_thread(book, context.tid, context.tgid, context.comm)) return FLOW_WAKE_VMM;
  if (name.starts_with("kvm-pit/")) return FLOW_WAKE_OWN_INTERRUPT;
  return FLOW_WAKE_KERNEL_WORKER;
}

// Has the vCPU that runs here given the interrupt to itself? Where its id is not told, nothing is
// accepted between a halt and the entry after it but what is its own, and that tells the id.
bool is_own(ReplayBook& book, const ReplayContext& context, const AcceptEvent& accept,
            bool is_routed) {
  ReplayVcpu* vcpu = context.vcpu;
  if (!vcpu || context.is_hardirq) return false;
  if (vcpu->id_told) return vcpu->slot.id.vcpu_id == accept.vcpu_id;
  if (is_routed || vcpu->slot.flow.unsettled_ns == 0) return false;
  book.learn_id(*vcpu, accept.vcpu_id);
  return true;
}

// Twin of wake_kind(), but for a vCPU whose id is not told: then the interrupt just before is taken
// to be for it. What was given counts for one wake-up.
flow_wake_kind kind_of_wake(const ReplayContext& context, const ReplayVcpu& vcpu, uint64_t ns) {
  const flow_wake_kind bare = context.is_hardirq ? FLOW_WAKE_HARDIRQ : FLOW_WAKE_BARE;
  if (!context.cpu->given) return bare;
  const given_irq given = *context.cpu->given;
  context.cpu->given.reset();
  const bool is_its =
      given.vcpu_id == FLOW_ANY_VCPU || !vcpu.id_told || given.vcpu_id == vcpu.slot.id.vcpu_id;
  if (given.tid != context.tid || given.is_hardirq != uint32_t{context.is_hardirq} || !is_its ||
      !is_just_before(given.ns, ns))
    return bare;
  const auto kind = static_cast<flow_wake_kind>(given.kind);
  const bool is_foreign = context.tgid != 0 && context.tgid != vcpu.slot.id.tgid;
  return kind == FLOW_WAKE_VMM && is_foreign ? FLOW_WAKE_FOREIGN : kind;
}

// Twin of list_woken(): it will wait where it has run, unless it goes to another CPU now.
void list_woken(ReplayBook& book, ReplayVcpu& vcpu, uint32_t number, uint64_t ns) {
  if (!flow_sleeps(&vcpu.slot.flow) || vcpu.slot.waits_at != 0) return;
  ReplayCpu* cpu = book.cpu_at(number);
  if (!cpu) return;
  vcpu.slot.woken_throttled = 0;
  list_waiter(book, *cpu, vcpu);
  replay_part(book, vcpu, FLOW_PART_READY, ns);
}

void note_waking(const ReplayContext& context, ReplayVcpu& vcpu, uint64_t ns) {
  vcpu.waking = {.ns = ns, .cpu = context.cpu->number, .tid = context.tid, .may_move = true};
}

/// Its twin is count_interrupt(): INIT and start-up are no interrupts.
void count_given(ReplayVcpu& vcpu, const Event& event, const AcceptEvent& accept,
                 flow_wake_kind kind) {
  constexpr uint32_t kInit = 0x500, kStartUp = 0x600;  // arch/x86/include/asm/apicdef.h
  if (accept.delivery != kInit && accept.delivery != kStartUp && vcpu.counts(event.ns))
    vcpu.given[kind]++;
}

/// The kernel side names no threads, but tells that a vhost worker has woken a vCPU: whose it is,
/// is known from then on.
void learn_vhost(ReplayBook& book, uint32_t tid, uint32_t owner) {
  if (book.vhost_owners.size() < book.options.max_threads) book.vhost_owners[tid] = owner;
}

ReplayVcpu* accepting_vcpu_of_vhost(ReplayBook& book, uint32_t tid, const AcceptEvent& accept) {
  const auto known = book.vhost_owners.find(tid);
  return known == book.vhost_owners.end() ? nullptr : book.called(known->second, 0, accept.vcpu_id);
}

}  // namespace

void replay_route(ReplayBook& book, const Event& event) {
  const ReplayContext context = book.context_of(event);
  if (context.cpu) context.cpu->routed = {context.tid, event.ns};
}

void replay_page_ready(ReplayBook& book, const Event& event) {
  const ReplayContext context = book.context_of(event);
  if (!context.cpu) return;
  context.cpu->given = given_irq{.ns = event.ns,
                                 .tid = context.tid,
                                 .vcpu_id = FLOW_ANY_VCPU,
                                 .kind = FLOW_WAKE_PAGE,
                                 .is_hardirq = 0};
}

void replay_irq(ReplayBook& book, const Event& event, const IrqEvent& irq) {
  book.vocabulary.irqs = true;
  ReplayCpu* cpu = book.cpu_at(event.cpu);
  if (!cpu) return;
  if (irq.begins)
    cpu->irq_depth++;
  else if (cpu->irq_depth != 0)
    cpu->irq_depth--;
}

void replay_accept(ReplayBook& book, const Event& event, const AcceptEvent& accept) {
  const ReplayContext context = book.context_of(event);
  if (!context.cpu) return;
  const auto routed = context.cpu->routed;
  context.cpu->routed.reset();
  const bool is_routed =
      routed && routed->first == context.tid && is_just_before(routed->second, event.ns);
  if (is_own(book, context, accept, is_routed)) {
    ReplayVcpu& vcpu = *context.vcpu;
    const auto kind = is_routed ? FLOW_WAKE_VMM : FLOW_WAKE_OWN_INTERRUPT;
    note_interrupt(book, vcpu, {.ns = event.ns, .kind = kind, .by = context.tid});
    count_given(vcpu, event, accept, kind);
    // What it is given for a device may be its VMM's doing; what it gives itself is KVM's.
    if (is_routed) return;
    vcpu.in_kvm_run = true;
    if (vcpu.counts(event.ns) && vcpu.slot.flow.unsettled_ns != 0)
      book.step(vcpu, [&] { flow_accept(&vcpu.slot.flow); });
    return;
  }
  flow_wake_kind kind = kind_of_giver(book, context, is_routed);
  if (context.is_hardirq) kind = is_routed ? FLOW_WAKE_HARDIRQ_DEVICE : FLOW_WAKE_OWN_INTERRUPT;
  if (ReplayVcpu* target = accepting_vcpu(book, context, accept)) {
    note_interrupt(book, *target,
                   {.ns = event.ns,
                    .kind = kind,
                    .by = kind == FLOW_WAKE_IPI ? context.vcpu->slot.id.vcpu_id : context.tid});
    count_given(*target, event, accept, kind);
  } else if (ReplayVcpu* its = accepting_vcpu_of_vhost(book, context.tid, accept)) {
    count_given(*its, event, accept, FLOW_WAKE_VHOST);
  }
  context.cpu->given = given_irq{.ns = event.ns,
                                 .tid = context.tid,
                                 .vcpu_id = accept.vcpu_id,
                                 .kind = kind,
                                 .is_hardirq = context.is_hardirq};
}

void replay_waking(ReplayBook& book, const Event& event, const WakingEvent& waking, bool is_told) {
  ReplayVcpu* vcpu = book.run_by(waking.tid);
  if (!vcpu) return;
  const ReplayContext context = book.context_of(event);
  if (!context.cpu) return;
  if (!vcpu->counts(event.ns)) return;
  if (!is_told && !vcpu->wakes_told) {
    const flow_wake_kind kind = kind_of_wake(context, *vcpu, event.ns);
    uint32_t who = context.tid;
    if (kind == FLOW_WAKE_IPI) who = context.vcpu ? context.vcpu->slot.id.vcpu_id : FLOW_ANY_VCPU;
    flow_post_wake(&vcpu->slot.mailbox, event.ns, flow_waker(who, kind));
    note_interrupt(book, *vcpu, {.ns = event.ns, .kind = kind, .by = who});
  }
  note_waking(context, *vcpu, event.ns);
  list_woken(book, *vcpu, waking.target_cpu < book.options.max_cpus ? waking.target_cpu : vcpu->cpu,
             event.ns);
}

void replay_wake(ReplayBook& book, const Event& event, const WakeEvent& wake) {
  book.vocabulary.wakes = true;
  ReplayVcpu* vcpu = book.run_by(wake.tid);
  if (!vcpu) return book.count(ReplayAnomaly::kUnknownVcpu);
  vcpu->wakes_told = true;
  const ReplayContext context = book.context_of(event);
  if (!context.cpu || !vcpu->counts(event.ns)) return;
  flow_post_wake(&vcpu->slot.mailbox, event.ns, wake.waker);
  const auto kind = static_cast<uint32_t>(wake.waker >> 32);
  if (kind == FLOW_WAKE_VHOST && vcpu->process_told)
    learn_vhost(book, context.tid, vcpu->slot.id.tgid);
  if (kind < FLOW_WAKE_KINDS)
    note_interrupt(book, *vcpu,
                   {.ns = event.ns,
                    .kind = static_cast<flow_wake_kind>(kind),
                    .by = static_cast<uint32_t>(wake.waker)});
  note_waking(context, *vcpu, event.ns);
  list_woken(book, *vcpu, vcpu->cpu, event.ns);
}

}  // namespace vmflow
