// SPDX-License-Identifier: GPL-2.0-only
// Events for tests of traces: one of each kind, and how to compare them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/sources/event_bytes.h"
#include "analysis/event.h"

namespace vmflow::test {

inline Comm comm(std::string_view text) {
  Comm result{};
  std::copy_n(text.begin(), std::min(text.size(), result.size()), result.begin());
  return result;
}

/// Equal in every field.
inline std::string bytes_of(const Event& event) {
  std::string bytes;
  write_event(event, bytes);
  return bytes;
}

/// One of each kind, 100 ns apart, by turns on CPU 0 and 3.
inline std::vector<Event> one_of_each() {
  const std::vector<EventData> kinds{
      EntryEvent{.vcpu_id = 7},
      ExitEvent{.code = 0x72, .isa = FLOW_ISA_SVM, .rip = 0xffffffff81000000, .vcpu_id = 7},
      ExitEvent{.code = 0xffffffff, .isa = FLOW_ISA_SVM, .rip = 0, .vcpu_id = {}},
      UserspaceExitEvent{.reason = 2, .error = 0},
      UserspaceExitEvent{.reason = 0, .error = -4},
      RunEvent{},
      HaltEndEvent{.halt_ns = 1ull << 40, .polled_ns = 9, .waited = true, .valid = true},
      HaltEndEvent{.halt_ns = 5, .polled_ns = {}, .waited = false, .valid = false},
      NestedEnterEvent{.vmcb12 = 0x1234000, .root = 0xabc000},
      NestedExitEvent{},
      NestedReflectEvent{.code = 0x78},
      AcceptEvent{.vcpu_id = 1, .vector = 236, .delivery = 0x500},
      RouteEvent{},
      PageReadyEvent{},
      SwitchEvent{.prev_tid = 4711,
                  .next_tid = 0,
                  .prev_state = 1,
                  .preempted = false,
                  .prev_comm = comm("CPU 0/KVM"),
                  .next_comm = comm("swapper/3")},
      SwitchEvent{.prev_tid = 17,
                  .next_tid = 4711,
                  .prev_state = 0,
                  .preempted = true,
                  .prev_comm = comm("0123456789abcdef"),
                  .next_comm = comm("\xff\xfe </script>")},
      WakingEvent{.tid = 4711, .target_cpu = 3, .comm = comm("CPU 0/KVM")},
      MigrateEvent{.tid = 4711, .from_cpu = 3, .to_cpu = 0},
      ThreadExitEvent{.tid = 4711},
      IrqEvent{.begins = true},
      IrqEvent{.begins = false},
      VcpuOutEvent{.state = FLOW_HALTED, .block = FLOW_BLOCK_IO, .throttled = true},
      VcpuInEvent{.in_kvm_run = true, .disk_pending_ns = 1ull << 50, .net_pending_ns = 3},
      WakeEvent{.tid = 4711, .waker = flow_waker(42, FLOW_WAKE_IPI)},
      RegistersEvent{.cr3 = 0x8000000000001000, .rsp = UINT64_MAX, .cpl = 3},
      PacketEvent{.sent = true,
                  .segment = TcpSegment{.flow = {.source = {0x20010db8'00000000, 1},
                                                 .destination = {0, 0xffff'0a00'0002},
                                                 .source_port = 65535,
                                                 .destination_port = 80},
                                        .sequence = 0xffffffff,
                                        .acknowledgement = 0x80000001,
                                        .offset_flags = 0xf1ff,
                                        .payload_bytes = 65000},
                  .device = comm("eth0")},
      PacketEvent{.sent = false, .segment = std::nullopt, .device = comm("0123456789abcde")},
  };
  std::vector<Event> events;
  for (const auto& data : kinds)
    events.push_back({.ns = 5'000'000'000 + 100 * events.size(),
                      .cpu = events.size() % 2 == 0 ? 0u : 3u,
                      .tid = 4711,
                      .tgid = 4700,
                      .kvm = 0xffff888012345678,
                      .data = data});
  return events;
}

}  // namespace vmflow::test
