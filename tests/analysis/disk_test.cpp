// SPDX-License-Identifier: GPL-2.0-only
// Disk requests, which are a process' own, on the VMs of the process.
#include <gtest/gtest.h>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kFirst{100, 0x1000}, kSecond{100, 0x2000}, kOther{200, 0x3000};

class Disk : public testing::Test {
 protected:
  Disk() {
    host_.process(kFirst, 7);
    host_.process(kSecond, 7);
    host_.process(kOther, 8);
    host_.take(1, kFirst, 0, 100);
    host_.take(2, kSecond, 0, 100);
    host_.take(3, kOther, 0, 100);
  }
  FlowModel look(const vm_io& of_100) {
    auto snapshot = host_.look(200);
    snapshot.ios = {{100, of_100}, {200, {}}};
    return books_.look(snapshot);
  }

  DrawnHost host_;
  Books books_;
};

}  // namespace

TEST_F(Disk, of_several_vms_in_a_process_is_the_first_ones) {
  vm_io io{};
  io.disk[FLOW_DISK_WRITE] = {.operations = 3, .bytes = 12288, .ns = 50};
  const auto model = look(io);
  EXPECT_EQ(vm_called(model, "100-7").disk->done[FLOW_DISK_WRITE].operations, 3u);
  EXPECT_FALSE(vm_called(model, "100-7-2").disk);
}

TEST_F(Disk, is_absent_until_the_host_has_seen_a_request) {
  EXPECT_FALSE(vm_called(look({}), "200-8").disk);
  vm_io begun{};
  begun.disk_busy.users = 1;
  EXPECT_EQ(vm_called(look(begun), "100-7").disk->in_flight, 1u);
}

TEST_F(Disk, never_has_fewer_than_no_request_in_flight) {
  vm_io io{};
  io.disk[FLOW_DISK_READ].operations = 1;
  io.disk_busy.users = -1;  // the beginning of one was missed
  EXPECT_EQ(vm_called(look(io), "100-7").disk->in_flight, 0u);
}

}  // namespace vmflow::test
