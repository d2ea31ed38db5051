// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_kvm.h"

#include "analysis/exit_reason.h"
#include "analysis/flow_replay_guest.h"

namespace vmflow {
namespace {

/// The record of the nested vCPU that was entered last; null if there is none.
nested_record* record_of(ReplayBook& book, const ReplayVcpu& vcpu) {
  const auto found = book.nested.find({vcpu.number, vcpu.slot.nested.vmcb12});
  return found == book.nested.end() ? nullptr : &found->second;
}

nested_record* new_record(ReplayBook& book, const ReplayVcpu& vcpu, uint64_t root, uint64_t ns) {
  if (book.nested.size() >= FLOW_MAX_NESTED) {
    book.count(ReplayAnomaly::kTooManyNested);
    return nullptr;
  }
  nested_record& record = book.nested[{vcpu.number, vcpu.slot.nested.vmcb12}];
  record.first_root = root;
  record.first_ns = ns;
  return &record;
}

void add_credit(nested_record& record, const nested_credit& credit, uint64_t ns) {
  record.l0_ns += credit.l0_ns;
  record.l1_ns += credit.l1_ns;
  record.l2_ns += credit.l2_ns;
  record.last_ns = ns;
}

void count_handled(ReplayBook& book, const ReplayVcpu& vcpu, uint32_t index, uint64_t ns) {
  nested_record* record = index < FLOW_EXIT_CODES ? record_of(book, vcpu) : nullptr;
  if (!record) return;
  record->handled[index]++;
  record->last_ns = ns;
}

/// The vCPU whose event this is, inside KVM_RUN from here on; null if the event does not count for
/// its ledger.
ReplayVcpu* vcpu_in_run(ReplayBook& book, const Event& event, std::optional<uint32_t> id = {}) {
  ReplayVcpu* vcpu = book.vcpu_of(event, id);
  if (!vcpu) return nullptr;
  vcpu->in_kvm_run = true;
  return vcpu->counts(event.ns) ? vcpu : nullptr;
}

uint32_t userspace_index(const UserspaceExitEvent& exit) {
  if (exit.error == -FLOW_EINTR) return FLOW_KVM_EXIT_INTR;
  if (exit.error < 0) return FLOW_USERSPACE_ERROR;
  return exit.reason >= FLOW_USERSPACE_ERROR ? FLOW_USERSPACE_OUT_OF_RANGE : exit.reason;
}

}  // namespace

void replay_entry(ReplayBook& book, const Event& event, const EntryEvent& entry) {
  ReplayVcpu* vcpu = vcpu_in_run(book, event, entry.vcpu_id);
  if (!vcpu) return;
  vcpu_slot& slot = vcpu->slot;
  flow_handled ended{.exit_index = FLOW_EXIT_NONE, .bucket = 0, .ns = 0};
  book.step(*vcpu, [&] {
    if (slot.flow.guest_state != 0) {
      const uint64_t host_from_ns = slot.flow.last_ns;
      count_handled(book, *vcpu, nested_entry(&slot.nested, &slot.flow), event.ns);
      if (slot.nested.route == NESTED_NONE)
        note_nested(book, *vcpu, {.ns = host_from_ns, .step = NestedStep::kLost});
    }
    ended = flow_entry(&slot.flow, event.ns);
  });
  if (ended.exit_index >= FLOW_EXIT_CODES) return;
  book.exit_histograms[ended.exit_index].sum_ns += ended.ns;
  book.exit_histograms[ended.exit_index].bucket[ended.bucket]++;
}

void replay_exit(ReplayBook& book, const Event& event, const ExitEvent& exit) {
  if (exit.isa == FLOW_ISA_VMX) book.vendor = Vendor::kVmx;
  if (exit.isa == FLOW_ISA_SVM) book.vendor = Vendor::kSvm;
  ReplayVcpu* vcpu = vcpu_in_run(book, event, exit.vcpu_id);
  if (!vcpu) return;
  const uint32_t index = flow_exit_index(book.is_vmx(), exit.code);
  const bool is_halt = index == halt_exit(book.vendor);
  book.step(*vcpu, [&] {
    flow_exit(&vcpu->slot.flow, event.ns, index, is_halt);
    if (is_halt) nested_halt(&vcpu->slot.nested, &vcpu->slot.flow);
  });
  if (is_halt && vcpu->slot.nested.route == NESTED_NONE && vcpu->slot.nested.entries > 0)
    note_nested(book, *vcpu, {.ns = event.ns, .step = NestedStep::kHalts});
}

void replay_userspace_exit(ReplayBook& book, const Event& event, const UserspaceExitEvent& exit) {
  ReplayVcpu* vcpu = book.vcpu_of(event);
  if (!vcpu) return;
  vcpu->in_kvm_run = false;
  if (!vcpu->counts(event.ns)) return;
  book.step(*vcpu, [&] { flow_userspace_exit(&vcpu->slot.flow, event.ns, userspace_index(exit)); });
}

void replay_run(ReplayBook& book, const Event& event) {
  book.vocabulary.runs = true;
  ReplayVcpu* vcpu = vcpu_in_run(book, event);
  if (vcpu) book.step(*vcpu, [&] { flow_run(&vcpu->slot.flow, event.ns); });
}

// Where KVM's own figure is not told: a halt that did not wait was all polling, and one that waited
// none. Twin of on_kvm_vcpu_wakeup().
void replay_halt_end(ReplayBook& book, const Event& event, const HaltEndEvent& end) {
  book.vocabulary.halt_ends = true;
  ReplayVcpu* vcpu = vcpu_in_run(book, event);
  if (!vcpu) return;
  const uint64_t polled_ns = end.polled_ns.value_or(end.waited ? 0 : end.halt_ns);
  book.step(*vcpu,
            [&] { flow_halt_end(&vcpu->slot.flow, event.ns, polled_ns, end.waited, end.valid); });
}

void replay_nested_enter(ReplayBook& book, const Event& event, const NestedEnterEvent& enter) {
  ReplayVcpu* vcpu = vcpu_in_run(book, event);
  if (!vcpu) return;
  nested_credit credit{};
  note_nested(book, *vcpu,
              {.ns = vcpu->slot.flow.last_ns,
               .step = NestedStep::kEnters,
               .vmcb12 = enter.vmcb12,
               .root = enter.root});
  book.step(*vcpu,
            [&] { credit = nested_enter(&vcpu->slot.nested, &vcpu->slot.flow, enter.vmcb12); });
  nested_record* record = record_of(book, *vcpu);
  if (!record) record = new_record(book, *vcpu, enter.root, event.ns);
  if (!record) return;
  record->root = enter.root;
  record->entries++;
  add_credit(*record, credit, event.ns);
}

void replay_nested_exit(ReplayBook& book, const Event& event) {
  ReplayVcpu* vcpu = vcpu_in_run(book, event);
  if (!vcpu) return;
  uint32_t handled = FLOW_EXIT_NONE;
  book.step(*vcpu, [&] { handled = nested_exit(&vcpu->slot.nested, &vcpu->slot.flow); });
  count_handled(book, *vcpu, handled, event.ns);
}

void replay_nested_reflect(ReplayBook& book, const Event& event,
                           const NestedReflectEvent& reflect) {
  ReplayVcpu* vcpu = vcpu_in_run(book, event);
  if (!vcpu) return;
  const uint32_t index = flow_exit_index(book.is_vmx(), reflect.code);
  uint32_t counts = 0;
  nested_credit credit{};
  if (vcpu->slot.flow.guest_state == FLOW_GUEST_NESTED)
    note_nested(book, *vcpu, {.ns = event.ns, .step = NestedStep::kReflected, .exit_index = index});
  book.step(*vcpu, [&] {
    credit = nested_reflect(&vcpu->slot.nested, &vcpu->slot.flow, event.ns, book.is_vmx(), index,
                            &counts);
  });
  nested_record* record = record_of(book, *vcpu);
  if (!record || index >= FLOW_EXIT_CODES) return;
  record->reflected[index] += counts;
  if (nested_runs_a_guest(book.is_vmx(), index)) record->deeper += counts;
  add_credit(*record, credit, event.ns);
}

}  // namespace vmflow
