// SPDX-License-Identifier: GPL-2.0-only
// Counters that would fall, and the sums that must hold all the same.
#include "analysis/hold.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0x1000};

template <typename Array>
uint64_t sum_of(const Array& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

uint64_t exit_ns_of(const VmFlow& vm) {
  uint64_t sum = 0;
  for (const auto& exit : vm.exits) sum += exit.ns;
  return sum;
}

uint64_t host_ns_of(const VmFlow& vm) {
  return vm.time.state_ns[FLOW_KVM] + vm.time.state_ns[FLOW_VMM];
}

}  // namespace

// An entry reads the clock at 320 and writes the slot only after the look at 400: until then the
// time since the exit looks like KVM's.
TEST(Hold, an_event_that_is_written_late_takes_its_time_from_the_state_that_follows) {
  DrawnHost host;
  Books books;
  host.process(kVm, 7);
  auto& vcpu = host.take(1, kVm, 0, 100).exit(300);
  auto vm = vm_called(books.look(host.look(400)), "100-7");
  EXPECT_EQ(host_ns_of(vm), 100u);

  vcpu.entry(320).exit(410, kHlt).entry(420);
  const auto& model = books.look(host.look(450));
  vm = vm_called(model, "100-7");
  EXPECT_EQ(vm.time.state_ns[FLOW_KVM], 100u) << "held: it is 20 + 10";
  EXPECT_EQ(vm.time.state_ns[FLOW_GUEST], 350u - 100u) << "the rest of the time that has passed";
  EXPECT_LE(exit_ns_of(vm), host_ns_of(vm));
  EXPECT_GT(model.health.clamps, 0u);

  vcpu.exit(500).entry(600);
  vm = vm_called(books.look(host.look(700)), "100-7");
  EXPECT_EQ(vm.time.state_ns[FLOW_KVM], 20u + 10u + 100u) << "it has caught up";
  EXPECT_EQ(vm.time.state_ns[FLOW_GUEST], 600u - 130u);
}

TEST(Hold, polling_that_shows_late_does_not_make_its_parts_larger_than_itself) {
  VcpuTotals reported, now;
  reported.ns[FLOW_KVM] = 500;
  now.ns[FLOW_KVM] = 100;
  now.ns[FLOW_HALT_POLL] = 450;
  now.poll_ns = {200, 250};
  EXPECT_EQ(hold(now, reported), 1u);
  EXPECT_EQ(now.ns[FLOW_KVM], 500u);
  EXPECT_EQ(now.ns[FLOW_HALT_POLL], 50u);
  EXPECT_EQ(sum_of(now.poll_ns), 50u);
}

TEST(Hold, keeps_every_sum_for_any_reading) {
  std::mt19937_64 random(7);
  const auto any = [&](uint64_t most) { return random() % (most + 1); };
  VcpuTotals reported;
  for (int look = 0; look < 20000; look++) {
    VcpuTotals now = reported;
    for (auto& ns : now.ns) ns = any(1) ? ns + any(1000) : ns - any(std::min<uint64_t>(ns, 500));
    now.poll_ns[0] = any(now.ns[FLOW_HALT_POLL]);
    now.poll_ns[1] = now.ns[FLOW_HALT_POLL] - now.poll_ns[0];
    uint64_t left = now.ns[FLOW_KVM] + now.ns[FLOW_VMM];
    now.exit_ns = {};
    for (size_t i = 0; i < 5; i++) left -= now.exit_ns[i] = any(left);
    const auto time = sum_of(now.ns);
    hold(now, reported);
    EXPECT_EQ(sum_of(now.ns), std::max(time, sum_of(reported.ns)));
    EXPECT_LE(sum_of(now.exit_ns), now.ns[FLOW_KVM] + now.ns[FLOW_VMM]);
    EXPECT_LE(sum_of(now.poll_ns), now.ns[FLOW_HALT_POLL]);
    for_each_counter(now, reported, [](uint64_t mine, uint64_t least) { EXPECT_GE(mine, least); });
    if (HasFailure()) break;
    reported = now;
  }
}

}  // namespace vmflow::test
