// SPDX-License-Identifier: GPL-2.0-only
// A VM that was recorded once, by tests/lab/record_pipeline.sh: on its two vCPUs three processes
// hand work around, and two daemons wake up by themselves, each less than a fiftieth of the time.
// The guest's first process spun until the work began, and slept then.
#include <gtest/gtest.h>

#include "agent/analyze/host_analysis.h"
#include "analysis/process_workload.h"

namespace vmflow::test {

TEST(RecordedPipeline, workload_is_kept_and_the_daemons_are_not) {
  const auto hosts = hosts_of({RECORDED_PIPELINE});
  ASSERT_TRUE(hosts) << hosts.error().message;
  const auto analysis = analyze_hosts(*hosts, {});
  ASSERT_TRUE(analysis) << analysis.error().message;
  ASSERT_EQ(analysis->report.vms.size(), 1u);
  const auto& vm = *analysis->report.vms[0].processes;
  ASSERT_TRUE(vm.ranks);
  for (size_t i = 0; i < vm.processes.size(); i++)
    std::printf("     %-12s %.3f s in the guest, rank %.3f, group %u%s\n",
                process_name(vm.processes[i].key).c_str(),
                static_cast<double>(vm.processes[i].guest_ns()) / 1e9, vm.ranks->rank[i],
                vm.ranks->group[i] + 1, vm.ranks->kept[i] ? "" : ", noise");
  // By their time in the guest, as the guest itself has accounted for it: the stages come first.
  ASSERT_GE(vm.processes.size(), 5u);
  for (size_t i = 0; i < 3; i++) {
    EXPECT_TRUE(vm.ranks->kept[i]) << i;
    EXPECT_EQ(vm.ranks->group[i], 0u) << i;
  }
  for (size_t i = 3; i < vm.processes.size(); i++) EXPECT_FALSE(vm.ranks->kept[i]) << i;
  const auto load = process_workload(vm);
  EXPECT_EQ(load.processes, 3u);
  EXPECT_GT(load.wait_ns[static_cast<size_t>(WaitReason::kTask)],
            10 * load.wait_ns[static_cast<size_t>(WaitReason::kTimer)])
      << "with the daemons it were about the same";
}

}  // namespace vmflow::test
