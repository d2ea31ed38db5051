// SPDX-License-Identifier: GPL-2.0-only
// What the kernel side decided where it was: no other tracer has these.
#include "agent/sources/ctf_rows.h"

namespace vmflow {
namespace {

using enum CtfType;

CtfEvent vcpu_out_row() {
  return {"vmflow_vcpu_out",
          kind_of<VcpuOutEvent>(),
          {{"state", kU32}, {"block", kU32}, {"throttled", kU8}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return VcpuOutEvent{v.u32(0), v.u32(1), v.number[2] != 0};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& out = std::get<VcpuOutEvent>(data);
            v.number = {out.state, out.block, out.throttled};
            return true;
          }};
}

CtfEvent vcpu_in_row() {
  return {"vmflow_vcpu_in",
          kind_of<VcpuInEvent>(),
          {{"in_kvm_run", kU8}, {"disk_pending_ns", kU64}, {"net_pending_ns", kU64}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return VcpuInEvent{v.number[0] != 0, v.number[1], v.number[2]};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& in = std::get<VcpuInEvent>(data);
            v.number = {in.in_kvm_run, in.disk_pending_ns, in.net_pending_ns};
            return true;
          }};
}

CtfEvent wake_row() {
  return {"vmflow_wake",
          kind_of<WakeEvent>(),
          {{"tid", kU32}, {"waker", kAddress}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return WakeEvent{v.u32(0), v.number[1]};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& wake = std::get<WakeEvent>(data);
            v.number = {wake.tid, wake.waker};
            return true;
          }};
}

CtfEvent registers_row() {
  return {"vmflow_registers",
          kind_of<RegistersEvent>(),
          {{"cr3", kAddress}, {"rsp", kAddress}, {"cpl", kU32}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return RegistersEvent{v.number[0], v.number[1], v.u32(2)};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& registers = std::get<RegistersEvent>(data);
            v.number = {registers.cr3, registers.rsp, registers.cpl};
            return true;
          }};
}

}  // namespace

std::vector<CtfEvent> own_ctf_rows() {
  return {vcpu_out_row(), vcpu_in_row(), wake_row(), registers_row()};
}

}  // namespace vmflow
