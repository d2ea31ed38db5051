// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_guest.h"

#include <charconv>

#include "analysis/exit_reason.h"

namespace vmflow {
namespace {

constexpr std::string_view kVhost = "vhost-";

/// The thread that made a vhost worker is in its name; 0: it is none.
uint32_t maker_of_vhost(std::string_view name) {
  uint32_t tid = 0;
  if (!name.starts_with(kVhost)) return 0;
  std::from_chars(name.data() + kVhost.size(), name.data() + name.size(), tid);
  return tid;
}

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
                   .is_halt = flow.exit_index == halt_exit(book.vendor) && !is_nested,
                   .is_interrupted = is_interrupt_exit(book.vendor, flow.exit_index)});
}

void note_interrupt(ReplayBook& book, ReplayVcpu& vcpu, const GivenInterrupt& interrupt) {
  if (vcpu.counts(interrupt.ns)) keep(book, vcpu, vcpu.interrupts, interrupt);
}

ReplayVcpu* accepting_vcpu(ReplayBook& book, const ReplayContext& giver,
                           const AcceptEvent& accept) {
  if (giver.is_hardirq) return nullptr;
  uint32_t tgid = giver.tgid;
  if (const uint32_t maker = maker_of_vhost(text_of(giver.comm)); maker != 0) {
    const uint32_t process = book.process_of(maker);
    tgid = process != 0 ? process : maker;
  }
  const uint64_t kvm = giver.vcpu ? giver.vcpu->slot.id.kvm : 0;
  return tgid == 0 ? nullptr : book.called(tgid, kvm, accept.vcpu_id);
}

}  // namespace vmflow
