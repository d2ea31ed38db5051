// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/helper_threads.h"

#include <gtest/gtest.h>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr uint32_t kPid = 100;

ThreadTime of(const ThreadBook& book, ThreadRole role) {
  return book.times()[static_cast<uint32_t>(role)];
}

}  // namespace

TEST(ThreadRole, is_told_by_the_name) {
  EXPECT_EQ(thread_role("qemu-system-x86", true), ThreadRole::kEmulator);
  EXPECT_EQ(thread_role("vhost-100", false), ThreadRole::kVhost);
  EXPECT_EQ(thread_role("IO iothread0", false), ThreadRole::kIothread);
  EXPECT_EQ(thread_role("worker", false), ThreadRole::kWorker);
  EXPECT_EQ(thread_role("iou-wrk-100", false), ThreadRole::kWorker);
  EXPECT_EQ(thread_role("qemu-system-x86", false), ThreadRole::kOther);
}

TEST(ThreadBook, keeps_what_a_thread_used_that_has_ended) {
  ThreadBook book;
  book.take_in(kPid, {{100, "qemu", 10, 1}, {103, "worker", 5, 2}}, {});
  book.take_in(kPid, {{100, "qemu", 15, 1}}, {});
  EXPECT_EQ(of(book, ThreadRole::kEmulator), (ThreadTime{15, 1}));
  EXPECT_EQ(of(book, ThreadRole::kWorker), (ThreadTime{5, 2}));
}

TEST(ThreadBook, takes_a_number_that_begins_again_for_another_thread) {
  ThreadBook book;
  book.take_in(kPid, {{103, "worker", 50, 2}}, {});
  book.take_in(kPid, {{103, "worker", 3, 1}}, {});
  EXPECT_EQ(of(book, ThreadRole::kWorker), (ThreadTime{53, 3}));
}

TEST(ThreadBook, leaves_vcpus_out_and_never_falls_when_one_is_found) {
  ThreadBook book;
  book.take_in(kPid, {{101, "CPU 0/KVM", 100, 0}, {102, "qemu", 7, 0}}, {});
  EXPECT_EQ(of(book, ThreadRole::kOther), (ThreadTime{7, 0}));
  book.take_in(kPid, {{101, "CPU 0/KVM", 200, 0}, {102, "qemu", 900, 0}},
               std::vector<uint32_t>{102});
  EXPECT_EQ(of(book, ThreadRole::kOther), (ThreadTime{7, 0})) << "what it used before it was known";
}

TEST(ThreadBook, of_several_vms_in_a_process_is_the_first_ones) {
  constexpr VmKey kFirst{kPid, 0x1000}, kSecond{kPid, 0x2000};
  DrawnHost host;
  Books books;
  host.process(kFirst, 7);
  host.process(kSecond, 7);
  host.take(1, kFirst, 0, 100);
  host.take(2, kSecond, 0, 100);
  auto snapshot = host.look(200);
  snapshot.threads[kPid] = {{kPid, "vmm", 11, 12}};
  const auto& model = books.look(snapshot);
  EXPECT_EQ((*vm_called(model, "100-7").helpers)[static_cast<uint32_t>(ThreadRole::kEmulator)],
            (ThreadTime{11, 12}));
  EXPECT_FALSE(vm_called(model, "100-7-2").helpers);
}

}  // namespace vmflow::test
