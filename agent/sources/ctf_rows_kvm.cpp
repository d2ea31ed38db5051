// SPDX-License-Identifier: GPL-2.0-only
// KVM's events. LTTng's probes of some tracepoints are older than the kernel's arguments: what they
// record as fields there is something else, so these fields are never read (kvm_x86_entry.vcpu_id
// is half a pointer, all fields of kvm_x86_nested_vmexit are shifted).
#include "agent/sources/ctf_rows.h"

namespace vmflow {
namespace {

using enum CtfType;
using enum CtfUse;

std::optional<uint32_t> told(const CtfValues& v, size_t i) {
  if (!v.has(i) || v.u32(i) == kNotTold32) return std::nullopt;
  return v.u32(i);
}

CtfEvent entry_row() {
  return {"kvm_x86_entry",
          kind_of<EntryEvent>(),
          {{"vcpu_id", kU32, kOptional}},
          [](const CtfValues& v, bool own) -> std::optional<EventData> {
            return EntryEvent{own ? told(v, 0) : std::nullopt};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            v.number[0] = std::get<EntryEvent>(data).vcpu_id.value_or(kNotTold32);
            return true;
          }};
}

// vcpu_id is there since kernel 5.10, in LTTng since 2.13.
CtfEvent exit_row() {
  return {"kvm_x86_exit",
          kind_of<ExitEvent>(),
          {{"exit_reason", kU32},
           {"guest_rip", kU64, kOptional},
           {"isa", kU32, kOptional},
           {"info1", kU64, kShape},
           {"info2", kU64, kShape},
           {"intr_info", kU32, kShape},
           {"error_code", kU32, kShape},
           {"vcpu_id", kU32, kOptional}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return ExitEvent{
                .code = v.u32(0), .isa = v.u32(2), .rip = v.number[1], .vcpu_id = told(v, 7)};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& exit = std::get<ExitEvent>(data);
            v.number = {exit.code, exit.rip, exit.isa, 0,
                        0,         0,        0,        exit.vcpu_id.value_or(kNotTold32)};
            return true;
          }};
}

CtfEvent userspace_exit_row() {
  return {"kvm_userspace_exit",
          kind_of<UserspaceExitEvent>(),
          {{"reason", kU32}, {"errno", kI32}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return UserspaceExitEvent{v.u32(0), static_cast<int32_t>(v.number[1])};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& exit = std::get<UserspaceExitEvent>(data);
            v.number = {exit.reason, static_cast<uint64_t>(int64_t{exit.error})};
            return true;
          }};
}

// KVM loads the guest's FPU when KVM_RUN is entered, and the VMM's on the way back.
CtfEvent run_row() {
  return {"kvm_fpu",
          kind_of<RunEvent>(),
          {{"load", kU32}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            if (v.number[0] == 0) return std::nullopt;
            return RunEvent{};
          },
          [](const EventData&, const ThreadNames&, CtfValues& v) {
            v.number[0] = 1;
            return true;
          }};
}

// The tracepoint's three, and what of it KVM polled.
CtfEvent halt_end_row() {
  return {"kvm_vcpu_wakeup",
          kind_of<HaltEndEvent>(),
          {{"ns", kU64}, {"waited", kU8}, {"valid", kU8}, {"polled_ns", kU64, kOptional}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            HaltEndEvent end{.halt_ns = v.number[0],
                             .polled_ns = {},
                             .waited = v.number[1] != 0,
                             .valid = v.number[2] != 0};
            if (v.has(3) && v.number[3] != kNotTold64) end.polled_ns = v.number[3];
            return end;
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& end = std::get<HaltEndEvent>(data);
            v.number = {end.halt_ns, end.waited, end.valid, end.polled_ns.value_or(kNotTold64)};
            return true;
          }};
}

CtfEvent nested_enter_row() {
  return {"kvm_nested_vmenter",
          kind_of<NestedEnterEvent>(),
          {{"vmcb", kAddress}, {"guest_tdp_pgd", kAddress, kOptional}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return NestedEnterEvent{v.number[0], v.number[1]};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& enter = std::get<NestedEnterEvent>(data);
            v.number = {enter.vmcb12, enter.root};
            return true;
          }};
}

// The same before Linux 6.1: it tells no page tables.
CtfEvent nested_vmrun_row() {
  return {"kvm_x86_nested_vmrun",
          kind_of<NestedEnterEvent>(),
          {{"vmcb", kU64}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return NestedEnterEvent{v.number[0], 0};
          },
          nullptr};
}

CtfEvent nested_exit_row() {
  return {"kvm_x86_nested_vmexit",
          kind_of<NestedExitEvent>(),
          {{"rip", kU64, kShape},
           {"exit_code", kU32, kShape},
           {"exit_info1", kU64, kShape},
           {"exit_info2", kU64, kShape},
           {"exit_int_info", kU32, kShape},
           {"exit_int_info_err", kU32, kShape},
           {"isa", kU32, kShape}},
          [](const CtfValues&, bool) -> std::optional<EventData> { return NestedExitEvent{}; },
          [](const EventData&, const ThreadNames&, CtfValues&) { return true; }};
}

CtfEvent nested_reflect_row() {
  return {"kvm_x86_nested_vmexit_inject",
          kind_of<NestedReflectEvent>(),
          {{"exit_code", kU32},
           {"exit_info1", kU64, kShape},
           {"exit_info2", kU64, kShape},
           {"exit_int_info", kU32, kShape},
           {"exit_int_info_err", kU32, kShape},
           {"isa", kU32, kShape}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return NestedReflectEvent{v.u32(0)};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            v.number[0] = std::get<NestedReflectEvent>(data).code;
            return true;
          }};
}

// KVM gives its vcpu_id as the APIC's.
CtfEvent accept_row() {
  return {"kvm_x86_apic_accept_irq",
          kind_of<AcceptEvent>(),
          {{"apicid", kU32},
           {"dm", kU16, kOptional},
           {"tm", kU8, kShape},
           {"vec", kU8, kOptional},
           {"coalesced", kU8, kShape}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return AcceptEvent{.vcpu_id = v.u32(0), .vector = v.u32(3), .delivery = v.u32(1)};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& accept = std::get<AcceptEvent>(data);
            v.number = {accept.vcpu_id, accept.delivery & 0xffff, 0, accept.vector & 0xff, 0};
            return true;
          }};
}

// Which interrupt it was, the event does not tell: gsi is all ones, level -1.
CtfEvent route_row() {
  return {"kvm_set_irq",
          kind_of<RouteEvent>(),
          {{"gsi", kU32, kShape}, {"level", kI32, kShape}, {"irq_source_id", kI32, kShape}},
          [](const CtfValues&, bool) -> std::optional<EventData> { return RouteEvent{}; },
          [](const EventData&, const ThreadNames&, CtfValues& v) {
            v.number = {kNotTold32, kNotTold64, kNotTold64};
            return true;
          }};
}

CtfEvent msi_route_row() {
  return {"kvm_msi_set_irq",
          kind_of<RouteEvent>(),
          {},
          [](const CtfValues&, bool) -> std::optional<EventData> { return RouteEvent{}; },
          nullptr};
}

CtfEvent page_ready_row() {
  return {"kvm_async_pf_completed",
          kind_of<PageReadyEvent>(),
          {{"address", kAddress, kShape}, {"gva", kU64, kShape}},
          [](const CtfValues&, bool) -> std::optional<EventData> { return PageReadyEvent{}; },
          [](const EventData&, const ThreadNames&, CtfValues&) { return true; }};
}

}  // namespace

std::vector<CtfEvent> kvm_ctf_rows() {
  return {entry_row(),          exit_row(),         userspace_exit_row(), run_row(),
          halt_end_row(),       nested_enter_row(), nested_vmrun_row(),   nested_exit_row(),
          nested_reflect_row(), accept_row(),       route_row(),          msi_route_row(),
          page_ready_row()};
}

}  // namespace vmflow
