// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vm_skew_time.h"

#include <gtest/gtest.h>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0xabc};
constexpr uint64_t kBoot = 10'000'000'000;

vm_skew record(uint64_t taken_ns, int64_t skew_ns) {
  return {.kvm = kVm.kvm,
          .taken_ns = taken_ns,
          .parts = 0,
          .skew_ns = skew_ns,
          .vcpus = 1,
          .pad = 0,
          .pad_line = {}};
}

uint64_t skew_after(Books& books, const DrawnHost& host, uint64_t now_ns,
                    const std::map<uint32_t, vm_skew>& skews) {
  auto snapshot = host.look(now_ns);
  snapshot.skews = skews;
  const auto& model = books.look(snapshot);
  return model.vms.size() == 1 ? model.vms[0].skew_ns : ~uint64_t{0};
}

}  // namespace

TEST(Skew, of_a_vm_never_falls) {
  DrawnHost host;
  Books books;
  host.process(kVm, 1);
  host.take(1, kVm, 0, kBoot).slot.vm = 5;
  EXPECT_EQ(skew_after(books, host, kBoot + 1000, {{5, record(kBoot, 400)}}), 400u);
  EXPECT_EQ(skew_after(books, host, kBoot + 2000, {{5, record(kBoot, 300)}}), 400u);
  EXPECT_EQ(skew_after(books, host, kBoot + 3000, {}), 400u) << "no record, no news";
  EXPECT_EQ(skew_after(books, host, kBoot + 4000, {{5, record(kBoot, 700)}}), 700u);
}

TEST(Skew, of_another_vm_in_the_same_record_is_not_taken) {
  DrawnHost host;
  Books books;
  host.process(kVm, 1);
  host.take(1, kVm, 0, kBoot).slot.vm = 5;
  auto other = record(kBoot, 400);
  other.kvm = 0xdef;
  EXPECT_EQ(skew_after(books, host, kBoot + 1000, {{5, other}}), 0u);
}

TEST(Skew, of_a_vm_at_the_address_of_one_that_is_gone_begins_anew) {
  DrawnHost host;
  Books books;
  host.process(kVm, 1);
  host.take(1, kVm, 0, kBoot).slot.vm = 5;
  EXPECT_EQ(skew_after(books, host, kBoot + 1000, {{5, record(kBoot, 400)}}), 400u);
  host.at(1).destroyed(kBoot + 1100);
  host.take(2, kVm, 0, kBoot + 1200).slot.vm = 6;
  EXPECT_EQ(skew_after(books, host, kBoot + 2000,
                       {{5, record(kBoot, 500)}, {6, record(kBoot + 1200, 50)}}),
            50u);
}

}  // namespace vmflow::test
