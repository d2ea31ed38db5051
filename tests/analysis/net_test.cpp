// SPDX-License-Identifier: GPL-2.0-only
// Packets and interrupts, which are a process' own, on its VM.
#include <gtest/gtest.h>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0x1000};

const VmFlow& look(Books& books, const vm_io& io, uint64_t waiting = 0) {
  DrawnHost host;
  host.process(kVm, 7);
  host.take(1, kVm, 0, 100);
  auto snapshot = host.look(200);
  snapshot.ios = {{100, io}};
  snapshot.packets_waiting = {{100, waiting}};
  return vm_called(books.look(snapshot), "100-7");
}

}  // namespace

TEST(Net, is_absent_until_a_packet_has_been_read) {
  Books books;
  EXPECT_FALSE(look(books, {}).net);
}

TEST(Net, of_a_device_that_is_no_tap_is_what_was_read) {
  Books books;
  vm_io io{};
  io.net_seen = FLOW_NET_READS;
  io.net[FLOW_NET_RECEIVE] = {.packets = 3, .bytes = 300};
  const auto& vm = look(books, io);
  ASSERT_TRUE(vm.net);
  EXPECT_EQ(vm.net->received.packets, 3u);
  EXPECT_FALSE(vm.net->tap) << "absent, not zero";
}

TEST(Net, of_a_tap_has_both_directions_and_what_waits) {
  Books books;
  vm_io io{};
  io.net_seen = FLOW_NET_READS | FLOW_NET_QUEUE;
  io.net[FLOW_NET_TRANSMIT] = {.packets = 2, .bytes = 200};
  io.net_dropped = 5;
  const auto& vm = look(books, io, 4);
  ASSERT_TRUE(vm.net && vm.net->tap);
  EXPECT_EQ(vm.net->tap->transmitted.bytes, 200u);
  EXPECT_EQ(vm.net->tap->waiting, 4u);
  EXPECT_EQ(vm.net->tap->dropped, 5u);
}

TEST(Interrupts, have_the_name_of_the_wait_they_would_end) {
  Books books;
  vm_io io{};
  io.interrupts[FLOW_WAKE_OWN_INTERRUPT] = 7;
  io.interrupts[FLOW_WAKE_VHOST] = 2;
  io.interrupts[FLOW_WAKE_VMM_NET] = 3;
  io.interrupts[FLOW_WAKE_BARE] = 1;
  const auto& vm = look(books, io);
  ASSERT_TRUE(vm.interrupts);
  const auto of = [&](WaitReason reason) {
    return (*vm.interrupts)[static_cast<uint32_t>(reason)];
  };
  EXPECT_EQ(of(WaitReason::kTimer), 7u);
  EXPECT_EQ(of(WaitReason::kNet), 5u);
  EXPECT_EQ(of(WaitReason::kUnknown), 1u);
  EXPECT_EQ(of(WaitReason::kDisk), 0u);
}

}  // namespace vmflow::test
