// SPDX-License-Identifier: GPL-2.0-only
// Label kernel: the same tables as vcpu_flow_test.cpp, stepped by the kernel.
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>

#include "flow_tables.skel.h"
#include "tests/bpf/flow_tables.h"

namespace vmflow::test {
namespace {

struct Input {
  uint32_t count, pad;
  flow_step steps[FLOW_STEPS_MAX];
};
struct Output {
  vcpu_mailbox mailbox;
  vcpu_flow flow;
};

struct Destroy {
  void operator()(flow_tables_bpf* object) const { flow_tables_bpf__destroy(object); }
};

class KernelFlow : public testing::Test {
 protected:
  void SetUp() override {
    object_.reset(flow_tables_bpf__open_and_load());
    ASSERT_NE(object_, nullptr) << "loading BPF failed: " << std::strerror(errno);
    clear();
  }

  void clear() {
    const Output empty{};
    ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(object_->maps.outputs), &kZero, &empty, BPF_ANY), 0);
  }

  Output play(const FlowTable& table) {
    Input input{};
    input.count = static_cast<uint32_t>(table.steps.size());
    std::copy(table.steps.begin(), table.steps.end(), input.steps);
    EXPECT_EQ(bpf_map_update_elem(bpf_map__fd(object_->maps.inputs), &kZero, &input, BPF_ANY), 0);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(object_->progs.flow_play), &options), 0);
    EXPECT_EQ(options.retval, 0u);
    return output();
  }

  Output output() {
    Output output{};
    EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(object_->maps.outputs), &kZero, &output), 0);
    return output;
  }

  static constexpr uint32_t kZero = 0;
  std::unique_ptr<flow_tables_bpf, Destroy> object_;
};

TEST_F(KernelFlow, the_kernel_adds_up_every_table_as_user_space_does) {
  for (const auto& table : flow_tables()) {
    SCOPED_TRACE(table.name);
    clear();
    const auto in_kernel = play(table);
    EXPECT_EQ(sums_of(in_kernel.flow), table.sums);
    EXPECT_EQ(exits_of(in_kernel.flow), table.exits);
    vcpu_flow natively{};
    vcpu_mailbox mailbox{};
    for (const auto& step : table.steps) flow_play_step(&natively, &mailbox, &step);
    EXPECT_EQ(std::memcmp(&in_kernel.flow, &natively, sizeof(natively)), 0);
    EXPECT_EQ(std::memcmp(&in_kernel.mailbox, &mailbox, sizeof(mailbox)), 0);
  }
}

TEST_F(KernelFlow, concurrent_wakers_in_the_kernel_never_tear_an_entry) {
  constexpr uint64_t kPosts = 5000;
  auto waker = [&](uint64_t id) {
    for (uint64_t i = 1; i <= kPosts; i++) {
      uint64_t context[1] = {i * 4 + id};
      LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = sizeof(context));
      ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(object_->progs.flow_wake), &options), 0);
    }
  };
  std::thread a(waker, 0), b(waker, 1);
  a.join();
  b.join();
  const auto posted = output().mailbox;
  uint32_t kind = 0;
  EXPECT_EQ(posted.posted, 2 * kPosts);
  for (const auto& wake : posted.wake) EXPECT_EQ(wake.ns, wake.waker);
  EXPECT_EQ(flow_wake_of(&posted, 0, &kind) / 4, kPosts);
}

}  // namespace
}  // namespace vmflow::test
