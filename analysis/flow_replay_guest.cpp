// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_guest.h"

#include "analysis/exit_reason.h"
#include "analysis/flow_replay_ready.h"
#include "analysis/helper_threads.h"

namespace vmflow {
namespace {

template <typename Kept, typename One>
void keep(ReplayBook& book, ReplayVcpu& vcpu, Kept& kept, const One& one) {
  if (book.guest_room == 0) {
    vcpu.left_out++;
    return;
  }
  book.guest_room--;
  kept.push_back(one);
}

}  // namespace

void replay_registers(ReplayBook& book, const Event& event, const RegistersEvent& registers) {
  ReplayVcpu* vcpu = book.vcpu_of(event);
  if (!vcpu || !vcpu->counts(event.ns)) return;
  const vcpu_flow& flow = vcpu->slot.flow;
  const bool is_nested = vcpu->slot.nested.route == NESTED_L2;
  keep(book, *vcpu, vcpu->samples,
       GuestSample{.ns = event.ns,
                   .cr3 = registers.cr3,
                   .rsp = registers.rsp,
                   .vmcb12 = is_nested ? vcpu->slot.nested.vmcb12 : 0,
                   .cpl = registers.cpl,
                   .is_halt = flow.exit_index == halt_exit(book.vendor),
                   .is_interrupted = is_interrupt_exit(book.vendor, flow.exit_index)});
}

void note_interrupt(ReplayBook& book, ReplayVcpu& vcpu, const GivenInterrupt& interrupt) {
  if (vcpu.counts(interrupt.ns)) keep(book, vcpu, vcpu.interrupts, interrupt);
}

void note_nested(ReplayBook& book, ReplayVcpu& vcpu, const NestedChange& change) {
  if (vcpu.counts(change.ns)) keep(book, vcpu, vcpu.nested_changes, change);
}

ReplayVcpu* accepting_vcpu(ReplayBook& book, const ReplayContext& giver,
                           const AcceptEvent& accept) {
  if (giver.is_hardirq) return nullptr;
  uint32_t tgid = giver.tgid;
  if (const uint32_t owner = vhost_owner(text_of(giver.comm)); owner != 0) {
    const uint32_t process = book.process_of(owner);
    tgid = process != 0 ? process : owner;
  }
  const uint64_t kvm = giver.vcpu ? giver.vcpu->slot.id.kvm : 0;
  return tgid == 0 ? nullptr : book.called(tgid, kvm, accept.vcpu_id);
}

}  // namespace vmflow
