// SPDX-License-Identifier: GPL-2.0-only
// One recorded event, wherever it was recorded: by LTTng or by the kernel side's own ring. Values
// only; what an event is called in a trace, and which of its fields can be trusted, is decided
// where it is read.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analysis/snapshot.h"

namespace vmflow {

// Two recorders, or two programs at one tracepoint, may be a nanosecond apart.
constexpr uint64_t kTogetherNs = 1;
// A CPU's number that is not told: kernels know of 8,192.
constexpr uint16_t kNoCpu = 0xffff;
constexpr uint16_t short_cpu(uint32_t cpu) {
  return cpu < kNoCpu ? static_cast<uint16_t>(cpu) : kNoCpu;
}
// include/linux/threads.h: PID_MAX_LIMIT
constexpr uint32_t kMostThreads = 4 * 1024 * 1024;
// 146 years since boot: sums and differences of such times stay in range.
constexpr uint64_t kLatestNs = uint64_t{1} << 62;

/// A thread's name as the kernel has it: hostile text, not terminated if it is full.
using Comm = std::array<char, 16>;

inline std::string_view text_of(const Comm& comm) {
  const std::string_view all(comm.data(), comm.size());
  return all.substr(0, all.find('\0'));
}

/// KVM enters the guest. Absent vcpu_id: the source tells none that can be trusted.
struct EntryEvent {
  std::optional<uint32_t> vcpu_id;
};
/// `code` as the vendor has it; a source that tells no isa leaves it to the trace.
struct ExitEvent {
  uint32_t code = 0;
  uint32_t isa = FLOW_ISA_NONE;
  uint64_t rip = 0;
  std::optional<uint32_t> vcpu_id;
};
/// KVM_RUN returns. `error`: 0, or a negative errno.
struct UserspaceExitEvent {
  uint32_t reason = 0;
  int32_t error = 0;
};
/// KVM_RUN is entered.
struct RunEvent {};
/// A halt is over, `polled_ns` of it KVM polled; absent: not told.
struct HaltEndEvent {
  uint64_t halt_ns = 0;
  std::optional<uint64_t> polled_ns;
  bool waited = false;
  bool valid = false;
};
struct NestedEnterEvent {
  uint64_t vmcb12 = 0;
  uint64_t root = 0;
};
struct NestedExitEvent {};
struct NestedReflectEvent {
  uint32_t code = 0;
};
/// KVM gives an interrupt to a vCPU of whichever VM; in whose context says the event's thread.
struct AcceptEvent {
  uint32_t vcpu_id = 0;
  uint32_t vector = 0;
  uint32_t delivery = 0;
};
/// A device's interrupt is looked up in the VM's routing table.
struct RouteEvent {};
/// A page that a guest waits for is there.
struct PageReadyEvent {};
/// The CPU changes hands. `prev_state` 0: runnable. `preempted` as the scheduler says; absent: not
/// told.
struct SwitchEvent {
  uint32_t prev_tid = 0;
  uint32_t next_tid = 0;
  int64_t prev_state = 0;
  std::optional<bool> preempted;
  Comm prev_comm{};
  Comm next_comm{};
};
/// Could the thread that leaves the CPU go on? The recorded state is 0, or one bit above those that
/// are told, for a task that was preempted.
/// Source: __trace_sched_switch_state(), TASK_REPORT_MAX in include/linux/sched.h.
inline bool is_runnable(const SwitchEvent& change) {
  constexpr uint64_t kReportedStates = 0xff;
  return change.preempted.value_or(false) ||
         (static_cast<uint64_t>(change.prev_state) & kReportedStates) == 0;
}

/// In the waker's context.
struct WakingEvent {
  uint32_t tid = 0;
  uint32_t target_cpu = 0;
  Comm comm{};
};
struct MigrateEvent {
  uint32_t tid = 0;
  uint32_t from_cpu = 0;
  uint32_t to_cpu = 0;
};
struct ThreadExitEvent {
  uint32_t tid = 0;
};
/// What an interrupt of the host does to evidence: between the two, wake-ups are its own.
struct IrqEvent {
  bool begins = false;
};

// What the kernel side decided where it was: it saw more than any trace holds.

/// The vCPU thread that leaves the CPU goes into `state`; asleep outside HLT, `block` says in what.
struct VcpuOutEvent {
  uint32_t state = FLOW_UNKNOWN;
  uint32_t block = FLOW_BLOCK_OTHER;
  bool throttled = false;
};
/// The vCPU thread gets the CPU.
struct VcpuInEvent {
  bool in_kvm_run = false;
  uint64_t disk_pending_ns = 0;
  uint64_t net_pending_ns = 0;
};
/// A vCPU's thread `tid` is woken by `waker`: see flow_waker().
struct WakeEvent {
  uint32_t tid = 0;
  uint64_t waker = 0;
};
/// The guest's registers at an exit. CR3 with whatever PCID bits it has.
struct RegistersEvent {
  uint64_t cr3 = 0;
  uint64_t rsp = 0;
  uint32_t cpl = 0;
};

/// An address as IPv6 has it, most significant half first; of IPv4 ::ffff:a.b.c.d.
struct IpAddress {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const IpAddress&) const = default;
};
/// One direction of a TCP connection.
struct TcpFlow {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  auto operator<=>(const TcpFlow&) const = default;
};
/// What a TCP header says, so that the same packet is known again where else it is seen.
/// Shape: `offset_flags` are the header's 13th and 14th byte: its length, and the flags.
struct TcpSegment {
  TcpFlow flow;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint16_t offset_flags = 0;
  uint32_t payload_bytes = 0;
};
/// A packet that the host hands to a device, or gets from one.
/// Shape: without `segment` it is no TCP, or the source did not tell its header.
struct PacketEvent {
  bool sent = false;
  std::optional<TcpSegment> segment;
  Comm device{};  ///< the interface's name; empty: not told
};

using EventData =
    std::variant<EntryEvent, ExitEvent, UserspaceExitEvent, RunEvent, HaltEndEvent,
                 NestedEnterEvent, NestedExitEvent, NestedReflectEvent, AcceptEvent, RouteEvent,
                 PageReadyEvent, SwitchEvent, WakingEvent, MigrateEvent, ThreadExitEvent, IrqEvent,
                 VcpuOutEvent, VcpuInEvent, WakeEvent, RegistersEvent, PacketEvent>;

/// Units: `ns` is the trace's clock (see TraceContents). Shape: `tid` and `tgid` are of the thread
/// that runs on `cpu` at the time, 0 if the trace does not tell; of a SwitchEvent the one that
/// leaves.
struct Event {
  uint64_t ns = 0;
  uint32_t cpu = 0;
  uint32_t tid = 0;
  uint32_t tgid = 0;
  uint64_t kvm = 0;  ///< address of struct kvm, for events of a vCPU; 0: not told
  EventData data;
};

}  // namespace vmflow
