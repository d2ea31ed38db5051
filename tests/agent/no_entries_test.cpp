// SPDX-License-Identifier: GPL-2.0-only
// Label kernel: a KVM that runs VMs but reports no VM entry must not be shown as zeros. Some
// kernels have such a KVM (a software one) built in; where KVM reports entries, the opposite is
// checked.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "guest.h"

namespace vmflow::lab {

TEST(Entries, that_kvm_does_not_report_are_one_warning_and_one_metric) {
  AgentProcess agent;
  agent.wait_until_ready();
  Guest guest({"spin", "--seconds", "3.5"});
  guest.truth();
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  const auto page = agent.scrape();
  const auto entries = page.sum("vmflow_bpf_program_runs_total", {{"program", "kvm_entry"}});
  const auto missing = page.sum("vmflow_kvm_entries_missing");
  const auto log = agent.stop().err;
  const auto first = log.find("reports no VM entry");
  printf("     %g entries seen, vmflow_kvm_entries_missing %g\n", entries, missing);
  if (entries > 0) {
    EXPECT_EQ(missing, 0);
    EXPECT_EQ(first, std::string::npos) << log;
    return;
  }
  EXPECT_EQ(missing, 1);
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find("reports no VM entry", first + 1), std::string::npos) << "said twice: " << log;
}

}  // namespace vmflow::lab
