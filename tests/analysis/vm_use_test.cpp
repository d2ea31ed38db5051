// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vm_use.h"

#include <gtest/gtest.h>

#include "analysis/vm_use_book.h"
#include "tests/analysis/hand_made_model.h"
#include "tests/analysis/watched_host.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

/// Five minutes of a VM with two vCPUs that does nothing.
VmUsePoint quiet() {
  return {.whole_ns = 600 * kSecond,
          .wanted_ns = 900'000'000,
          .timers = 3600,
          .ipis = 300,
          .tells_sent = true,
          .vcpus = {{0, 600'000'000}, {1, 300'000'000}}};
}

VmUse judged(const VmUsePoint& happened) {
  return judge_vm_use(happened, 300 * kSecond, 2, 0.01);
}

/// A VM with vCPUs that are watched for some time.
class Watched {
 public:
  explicit Watched(uint32_t vcpus) {
    for (uint32_t i = 0; i < vcpus; i++) point_.vcpus.push_back({i, 0});
  }
  VmUsePoint& point() { return point_; }
  /// A second in which each vCPU runs so long.
  Watched& second(std::vector<double> ran) {
    now_ns_ += kSecond;
    for (size_t i = 0; i < point_.vcpus.size(); i++) {
      const auto ns = ns_of(i < ran.size() ? ran[i] : 0);
      point_.vcpus[i].wanted_ns += ns;
      point_.wanted_ns += ns;
      point_.whole_ns += kSecond;
    }
    book_.take_in(now_ns_, point_, window_ns_);
    return *this;
  }
  Watched& seconds(int count, const std::vector<double>& ran) {
    for (int i = 0; i < count; i++) second(ran);
    return *this;
  }
  void set_window(uint64_t ns) { window_ns_ = ns; }
  VmUse use() const { return book_.use(static_cast<uint32_t>(point_.vcpus.size())); }

 private:
  uint64_t now_ns_ = 1000 * kSecond;
  uint64_t window_ns_ = kVmUseWindowNs;
  VmUsePoint point_;
  VmUseBook book_;
};

}  // namespace

TEST(VmUse, who_only_keeps_itself_alive_is_idle_with_what_speaks_for_it) {
  const auto use = judged(quiet());
  EXPECT_EQ(use.kind, VmUseKind::kIdle);
  EXPECT_EQ(vm_use_sentence(use),
            "0.3 % of a CPU, 12 timer wake-ups a second, no disk, no network for 5 min");
}

TEST(VmUse, housekeeping_is_idle_too) {
  auto happened = quiet();
  happened.disk_requests = 30;      // logs
  happened.packets_sent = 20;       // ARP, time
  happened.packets_received = 900;  // what others broadcast
  happened.devices = 60;            // entropy
  happened.timers = 75'000;         // a guest with 250 ticks a second
  const auto use = judged(happened);
  EXPECT_EQ(use.kind, VmUseKind::kIdle);
  EXPECT_EQ(vm_use_sentence(use),
            "0.3 % of a CPU, 250 timer wake-ups a second, 0.1 disk requests a second, 0.1 packets "
            "a second sent for 5 min");
}

TEST(VmUse, any_work_alone_is_not_idle) {
  struct Case {
    const char* sentence;
    void (*does)(VmUsePoint&);
  };
  const Case cases[] = {
      {"5.0 % of a CPU for 5 min", [](VmUsePoint& p) { p.wanted_ns = 15 * kSecond; }},
      {"1.0 disk requests a second for 5 min", [](VmUsePoint& p) { p.disk_requests = 300; }},
      {"2.0 packets a second sent for 5 min", [](VmUsePoint& p) { p.packets_sent = 600; }},
      {"20 packets a second received for 5 min",
       [](VmUsePoint& p) {
         p.tells_sent = true;
         p.packets_received = 6000;
       }},
      {"1.0 interrupts of devices a second for 5 min", [](VmUsePoint& p) { p.devices = 300; }},
      {"100 interrupts between its vCPUs a second for 5 min",
       [](VmUsePoint& p) { p.ipis = 30'000; }},
      {"10 % of its time a disk request is in flight for 5 min",
       [](VmUsePoint& p) { p.disk_pending_ns = 60 * kSecond; }},
      {"10 % of its time it waits for memory or its VMM for 5 min",
       [](VmUsePoint& p) { p.blocked_ns = 60 * kSecond; }},
  };
  for (const auto& [sentence, does] : cases) {
    auto happened = quiet();
    does(happened);
    auto use = judged(happened);
    EXPECT_NE(use.kind, VmUseKind::kIdle) << sentence;
    use.kind = VmUseKind::kInUse;
    EXPECT_EQ(vm_use_sentence(use), sentence);
  }
}

// A VM that gets no CPU has work.
TEST(VmUse, a_vm_that_waits_for_a_cpu_is_not_idle) {
  auto model = hand_made_model();
  auto& vm = model.vms[0];
  vm.time.state_ns = {};
  vm.time.state_ns[FLOW_READY] = 20 * kSecond;
  vm.time.state_ns[FLOW_HALTED] = 280 * kSecond;
  EXPECT_EQ(vm_use_point(vm).wanted_ns, 20 * kSecond);
}

TEST(VmUse, of_a_stopped_vm_nothing_is_said) {
  auto happened = quiet();
  happened.paused_ns = 500 * kSecond;
  const auto use = judged(happened);
  EXPECT_EQ(use.kind, VmUseKind::kUnknown);
  EXPECT_EQ(vm_use_sentence(use), "it is stopped");
  EXPECT_EQ(judged({}).kind, VmUseKind::kUnknown);
}

TEST(VmUse, where_a_tap_tells_it_only_what_is_sent_counts) {
  VmFlow vm;
  vm.net = NetFlow{.received = {500, 1}, .tap = {}};
  EXPECT_EQ(vm_use_point(vm).packets_sent, 500u);
  vm.net->tap = NetFlow::Tap{};
  vm.net->tap->transmitted.packets = 7;
  EXPECT_EQ(vm_use_point(vm).packets_sent, 7u);
  EXPECT_EQ(vm_use_point(vm).packets_received, 500u);
}

TEST(VmUse, nothing_is_said_before_a_whole_window_was_seen) {
  Watched watched(1);
  EXPECT_EQ(watched.seconds(300, {0.001}).use().kind, VmUseKind::kUnknown);
  EXPECT_EQ(watched.second({0.001}).use().kind, VmUseKind::kIdle);
  EXPECT_EQ(Watched(1).use().kind, VmUseKind::kUnknown);
}

TEST(VmUse, work_ends_idleness_and_is_forgotten_after_a_window) {
  Watched watched(1);
  ASSERT_EQ(watched.seconds(301, {0.001}).use().kind, VmUseKind::kIdle);
  EXPECT_EQ(watched.seconds(20, {1}).use().kind, VmUseKind::kInUse);
  EXPECT_EQ(watched.seconds(250, {0.001}).use().kind, VmUseKind::kInUse);
  EXPECT_EQ(watched.seconds(80, {0.001}).use().kind, VmUseKind::kIdle);
}

TEST(VmUse, half_of_the_vcpus_would_do) {
  Watched watched(4);
  watched.seconds(200, {0.5, 0.5, 0.2, 0.2}).seconds(1, {0.6, 0.6, 0.4, 0.4});
  watched.seconds(150, {0.3, 0.1, 0.1, 0.1});
  const auto use = watched.use();
  EXPECT_EQ(use.kind, VmUseKind::kOversized);
  EXPECT_NEAR(use.most_vcpus, 2, 1e-6);
  EXPECT_EQ(use.unused_vcpus, 0u);
  EXPECT_EQ(vm_use_sentence(use), "used 2.0 of 4 vCPUs at most in a second of 5 min");
}

TEST(VmUse, a_burst_of_a_second_needs_its_vcpus) {
  Watched watched(4);
  watched.seconds(200, {0.1, 0.1, 0.1, 0.1}).seconds(1, {0.9, 0.9, 0.9, 0.9});
  EXPECT_EQ(watched.seconds(150, {0.1, 0.1, 0.1, 0.1}).use().kind, VmUseKind::kInUse);
}

TEST(VmUse, vcpus_that_are_never_used_are_too_many) {
  Watched watched(4);
  const auto use = watched.seconds(310, {1, 1, 1, 0.001}).use();
  EXPECT_EQ(use.kind, VmUseKind::kOversized);
  EXPECT_EQ(vm_use_sentence(use),
            "used 3.0 of 4 vCPUs at most in a second of 5 min; 1 vCPU did nothing");
  EXPECT_EQ(Watched(1).seconds(310, {0.2}).use().kind, VmUseKind::kInUse) << "one is not too many";
}

TEST(VmUse, the_window_can_be_set) {
  Watched watched(1);
  watched.set_window(10 * kSecond);
  EXPECT_EQ(watched.seconds(11, {0.001}).use().kind, VmUseKind::kIdle);
  EXPECT_EQ(vm_use_sentence(watched.use()),
            "0.1 % of a CPU, 0.0 timer wake-ups a second, no disk, no network for 10.0 s");
}

TEST(VmUse, has_words) {
  EXPECT_EQ(vm_use_name(VmUseKind::kIdle), "idle");
  EXPECT_EQ(vm_use_name(VmUseKind::kOversized), "oversized");
  EXPECT_EQ(vm_use_name(VmUseKind::kInUse), "in_use");
  EXPECT_EQ(vm_use_name(VmUseKind::kUnknown), "unknown");
}

}  // namespace vmflow::test
