// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ring_events.h"

#include <gtest/gtest.h>

#include <cstring>

namespace vmflow::test {
namespace {

constexpr uint64_t kKvm = 0xffffc90000000000;

ring_record record(uint64_t ns, ring_kind kind, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0,
                   uint64_t d = 0) {
  return {.ns = ns,
          .kvm = kKvm,
          .kind = kind,
          .tid = 11,
          .tgid = 10,
          .vcpu_id = 3,
          .value = {a, b, c, d}};
}

std::vector<Event> events_of(const ring_record& one) {
  const std::vector<ring_record> records(1, one);
  return ring_events(
             std::vector{RingCopy{.records = records, .head = 1, .head_after = 1, .cpu = 2}},
             FLOW_ISA_SVM)
      .events;
}

template <typename T>
T only(const ring_record& one) {
  const auto events = events_of(one);
  EXPECT_EQ(events.size(), 1u);
  return std::get<T>(events.at(0).data);
}

}  // namespace

TEST(RingEvents, say_where_and_when) {
  const auto event = events_of(record(500, RING_RUN)).at(0);
  EXPECT_EQ(event.ns, 500u);
  EXPECT_EQ(event.cpu, 2u);
  EXPECT_EQ(event.tid, 11u);
  EXPECT_EQ(event.tgid, 10u);
  EXPECT_EQ(event.kvm, kKvm);
}

TEST(RingEvents, an_exit_has_registers_only_where_they_were_read) {
  EXPECT_EQ(only<ExitEvent>(record(1, RING_EXIT, 0x72)).code, 0x72u);
  const auto events = events_of(
      record(1, RING_EXIT, RING_HAS_REGISTERS | 3ull << 32 | 0x72, 0x1000, 0x2000, 0x3000));
  ASSERT_EQ(events.size(), 2u);
  const auto exit = std::get<ExitEvent>(events[0].data);
  EXPECT_EQ(exit.code, 0x72u);
  EXPECT_EQ(exit.isa, uint32_t{FLOW_ISA_SVM});
  EXPECT_EQ(exit.rip, 0x1000u);
  EXPECT_EQ(exit.vcpu_id, 3u);
  const auto registers = std::get<RegistersEvent>(events[1].data);
  EXPECT_EQ(registers.cr3, 0x2000u);
  EXPECT_EQ(registers.rsp, 0x3000u);
  EXPECT_EQ(registers.cpl, 3u);
}

TEST(RingEvents, a_switch_names_the_one_that_is_no_vcpu) {
  uint64_t name[2];
  std::memcpy(name, "kworker/1:0\0\0\0\0\0", sizeof(name));
  const auto to_vcpu = only<SwitchEvent>(
      record(1, RING_SWITCH, 22 | 20ull << 32, RING_NEXT_IS_VCPU | 1, name[0], name[1]));
  EXPECT_EQ(to_vcpu.prev_tid, 11u);
  EXPECT_EQ(to_vcpu.next_tid, 22u);
  EXPECT_EQ(to_vcpu.prev_state, 1);
  EXPECT_EQ(to_vcpu.preempted, false);
  EXPECT_EQ(text_of(to_vcpu.prev_comm), "kworker/1:0");
  EXPECT_EQ(text_of(to_vcpu.next_comm), "");
  const auto from_vcpu =
      only<SwitchEvent>(record(1, RING_SWITCH, 22, RING_PREEMPT, name[0], name[1]));
  EXPECT_EQ(from_vcpu.preempted, true);
  EXPECT_EQ(text_of(from_vcpu.next_comm), "kworker/1:0");
}

TEST(RingEvents, what_was_decided_comes_back) {
  const auto out =
      only<VcpuOutEvent>(record(1, RING_OUT, FLOW_VMM_BLOCKED | uint64_t{FLOW_BLOCK_IO} << 32, 1));
  EXPECT_EQ(out.state, uint32_t{FLOW_VMM_BLOCKED});
  EXPECT_EQ(out.block, uint32_t{FLOW_BLOCK_IO});
  EXPECT_TRUE(out.throttled);
  const auto in = only<VcpuInEvent>(record(1, RING_IN, 1, 200, 300));
  EXPECT_TRUE(in.in_kvm_run);
  EXPECT_EQ(in.disk_pending_ns, 200u);
  EXPECT_EQ(in.net_pending_ns, 300u);
  const auto halt = only<HaltEndEvent>(record(1, RING_HALT_END, 900, 100, 1));
  EXPECT_EQ(halt.polled_ns, 100u);
  EXPECT_TRUE(halt.waited);
  EXPECT_FALSE(halt.valid);
  const auto error = only<UserspaceExitEvent>(
      record(1, RING_USERSPACE_EXIT, 10, static_cast<uint64_t>(int64_t{-4})));
  EXPECT_EQ(error.error, -4);
  const auto wake = events_of(record(1, RING_WAKE, 22 | 1ull << 32, flow_waker(33, FLOW_WAKE_IPI)));
  ASSERT_EQ(wake.size(), 2u);
  EXPECT_EQ(std::get<WakingEvent>(wake[0].data).target_cpu, 1u);
  EXPECT_EQ(std::get<WakeEvent>(wake[1].data).waker, flow_waker(33, FLOW_WAKE_IPI));
}

TEST(RingEvents, a_packet_over_ipv4_is_one_record) {
  auto one = record(500, RING_PACKET, 0x12345678'fffffff0,
                    RING_PACKET_IS_TCP | RING_PACKET_SENT | 100'000ull << 16 | 0x8118);
  one.kvm = 0x0a000002'0a000001;
  one.vcpu_id = 40'000u << 16 | 80;
  std::memcpy(&one.value[2], "eth0\0\0\0\0\0\0\0\0\0\0\0", 16);
  const auto events = events_of(one);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kvm, 0u);
  const auto& packet = std::get<PacketEvent>(events[0].data);
  EXPECT_TRUE(packet.sent);
  EXPECT_EQ(text_of(packet.device), "eth0");
  ASSERT_TRUE(packet.segment);
  EXPECT_EQ(packet.segment->flow.source, (IpAddress{0, 0xffff0a000001}));
  EXPECT_EQ(packet.segment->flow.destination, (IpAddress{0, 0xffff0a000002}));
  EXPECT_EQ(packet.segment->flow.source_port, 40'000);
  EXPECT_EQ(packet.segment->flow.destination_port, 80);
  EXPECT_EQ(packet.segment->sequence, 0xfffffff0);
  EXPECT_EQ(packet.segment->acknowledgement, 0x12345678u);
  EXPECT_EQ(packet.segment->offset_flags, 0x8118);
  EXPECT_EQ(packet.segment->payload_bytes, 100'000u);
  one.value[1] &= ~RING_PACKET_IS_TCP;
  EXPECT_FALSE(only<PacketEvent>(one).segment) << "its header could not be read";
}

// Between the two records of a packet an interrupt may have written a packet of its own.
TEST(RingEvents, a_packet_over_ipv6_has_its_addresses_before_it) {
  const auto read = [](uint64_t addresses_ns) {
    const std::vector<ring_record> records = {
        record(addresses_ns, RING_PACKET_ADDRESSES, 1, 2, 3, 4),
        record(500, RING_PACKET, 7, RING_PACKET_IS_TCP | RING_PACKET_IS_V6 | 0x5010)};
    auto reading =
        ring_events(std::vector{RingCopy{.records = records, .head = 2, .head_after = 2, .cpu = 2}},
                    FLOW_ISA_SVM);
    EXPECT_EQ(reading.events.size(), 1u);
    EXPECT_EQ(reading.unknown, 0u);
    return std::get<PacketEvent>(reading.events.at(0).data).segment;
  };
  const auto segment = read(500);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->flow.source, (IpAddress{1, 2}));
  EXPECT_EQ(segment->flow.destination, (IpAddress{3, 4}));
  EXPECT_EQ(segment->sequence, 7u);
  EXPECT_FALSE(read(499)) << "another packet's addresses";
}

TEST(RingEvents, of_all_cpus_are_in_the_order_of_time) {
  const std::vector<ring_record> first = {record(10, RING_RUN), record(40, RING_RUN)};
  const std::vector<ring_record> second = {record(20, RING_RUN), record(30, RING_RUN)};
  const std::vector<RingCopy> cpus = {{.records = first, .head = 2, .head_after = 2, .cpu = 0},
                                      {.records = second, .head = 2, .head_after = 2, .cpu = 1}};
  const auto reading = ring_events(cpus, FLOW_ISA_SVM);
  std::vector<uint64_t> times;
  for (const auto& event : reading.events) times.push_back(event.ns);
  EXPECT_EQ(times, (std::vector<uint64_t>{10, 20, 30, 40}));
  EXPECT_EQ(reading.whole_from_ns(), 0u) << "nothing was ever overwritten";
}

// Six records in four places: 5 and 6 have taken the places of 1 and 2. While the copy was made a
// seventh has taken that of 3.
TEST(RingEvents, what_was_overwritten_before_or_while_it_was_copied_is_left_out) {
  const std::vector<ring_record> records = {record(50, RING_RUN), record(60, RING_RUN),
                                            record(30, RING_RUN), record(40, RING_RUN)};
  const auto times = [&](uint64_t head_after) {
    const auto reading = ring_events(
        std::vector{RingCopy{.records = records, .head = 6, .head_after = head_after, .cpu = 0}},
        FLOW_ISA_SVM);
    std::vector<uint64_t> all = {reading.whole_from.at(0)};
    for (const auto& event : reading.events) all.push_back(event.ns);
    return all;
  };
  EXPECT_EQ(times(6), (std::vector<uint64_t>{30, 30, 40, 50, 60}));
  EXPECT_EQ(times(7), (std::vector<uint64_t>{40, 40, 50, 60}));
}

TEST(RingEvents, from_before_recording_began_are_left_out) {
  const std::vector<ring_record> first = {record(100, RING_RUN), record(300, RING_RUN)};
  const std::vector<ring_record> second = {record(400, RING_RUN)};
  const std::vector<RingCopy> cpus = {{.records = first, .head = 2, .head_after = 2, .cpu = 0},
                                      {.records = second, .head = 1, .head_after = 1, .cpu = 1}};
  auto reading = ring_events(cpus, FLOW_ISA_SVM);
  reading.whole_from[1] = 400;
  reading.begin_at(200, cpus);
  ASSERT_EQ(reading.events.size(), 2u);
  EXPECT_EQ(reading.events[0].ns, 300u);
  EXPECT_EQ(reading.whole_from.at(0), 200u);
  EXPECT_EQ(reading.whole_from.at(1), 400u) << "overwritten up to there";
}

TEST(RingEvents, that_are_being_written_or_unknown_are_counted) {
  auto strange = record(20, RING_RUN);
  strange.kind = RING_KINDS + 7;
  const std::vector<ring_record> records = {record(0, RING_RUN), strange};
  const auto reading =
      ring_events(std::vector{RingCopy{.records = records, .head = 2, .head_after = 2, .cpu = 0}},
                  FLOW_ISA_SVM);
  EXPECT_TRUE(reading.events.empty());
  EXPECT_EQ(reading.torn, 1u);
  EXPECT_EQ(reading.unknown, 1u);
}

}  // namespace vmflow::test
