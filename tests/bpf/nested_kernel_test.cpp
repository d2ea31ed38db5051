// SPDX-License-Identifier: GPL-2.0-only
// Label kernel: the same tables as nested_flow_test.cpp, stepped by the kernel.
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "nested_tables.skel.h"
#include "tests/bpf/nested_tables.h"

namespace vmflow::test {
namespace {

struct Destroy {
  void operator()(nested_tables_bpf* object) const { nested_tables_bpf__destroy(object); }
};

constexpr uint32_t kZero = 0;

void play_in_kernel(const nested_tables_bpf& object, const NestedTable& table, nested_play& play) {
  const int step_map = bpf_map__fd(object.maps.step), play_map = bpf_map__fd(object.maps.play);
  ASSERT_EQ(bpf_map_update_elem(play_map, &kZero, &play, BPF_ANY), 0);
  for (const auto& step : table.steps) {
    ASSERT_EQ(bpf_map_update_elem(step_map, &kZero, &step, BPF_ANY), 0);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(object.progs.play_step), &options), 0);
    ASSERT_EQ(options.retval, 0u);
  }
  ASSERT_EQ(bpf_map_lookup_elem(play_map, &kZero, &play), 0);
}

}  // namespace

TEST(KernelNested, deals_out_every_table_as_user_space_does) {
  const std::unique_ptr<nested_tables_bpf, Destroy> object(nested_tables_bpf__open_and_load());
  ASSERT_NE(object, nullptr) << "loading BPF failed: " << std::strerror(errno);
  for (const auto& table : nested_tables()) {
    SCOPED_TRACE(table.name);
    const auto in_kernel = std::make_unique<nested_play>();
    play_in_kernel(*object, table, *in_kernel);
    const auto natively = std::make_unique<nested_play>();
    for (const auto& step : table.steps) nested_play_step(natively.get(), &step);
    EXPECT_EQ(std::memcmp(in_kernel.get(), natively.get(), sizeof(nested_play)), 0);
    EXPECT_EQ(books_of(*in_kernel), table.books);
  }
}

}  // namespace vmflow::test
