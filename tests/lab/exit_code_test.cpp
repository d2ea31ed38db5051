// SPDX-License-Identifier: GPL-2.0-only
// Label lab: where exit codes are read from, and the second source that they are held against.
#include <gtest/gtest.h>

#include "agent/sources/bpf_programs.h"
#include "agent/sources/kernel_support.h"
#include "figure.h"
#include "guest.h"

namespace vmflow::lab {
namespace {

/// Codes compared while a guest does 3001 CPUIDs.
BpfPrograms::CodeCheck compare(const KernelSupport& support) {
  auto programs = BpfPrograms::load(support, 16);
  if (!programs) throw std::runtime_error(programs.error().message);
  EXPECT_TRUE(programs->begin_code_check());
  EXPECT_EQ(run({ground_truth_path(), "cpuid", "--count", "3001"}).status, 0);
  const auto check = programs->end_code_check();
  figure("codes from {} +{}: {} equal, {} differing", support.exit_source, support.config.exit_code,
         check.equal, check.differing);
  return check;
}

}  // namespace

TEST(ExitCode, in_the_structure_is_the_tracepoints_own) {
  const auto support = probe_kernel();
  ASSERT_TRUE(support);
  const auto check = compare(*support);
  EXPECT_GE(check.equal, 3001);
  EXPECT_EQ(check.differing, 0);
}

TEST(ExitCode, at_a_wrong_place_is_noticed) {
  auto support = probe_kernel();
  ASSERT_TRUE(support);
  support->config.exit_code += 8;  // exit_info_1
  EXPECT_GE(compare(*support).differing, 3001);
}

TEST(ExitCode, comes_from_the_record_where_no_structure_tells_it) {
  // kvm_amd without BTF: struct vcpu_svm is unknown.
  const auto port = std::to_string(free_port());
  Process agent({"unshare", "--mount", "sh", "-c",
                 "mkdir -p /run/btf && cp /sys/kernel/btf/vmlinux /sys/kernel/btf/kvm /run/btf && "
                 "mount --bind /run/btf /sys/kernel/btf && "
                 "exec \"$1\" --web.listen-address 127.0.0.1:\"$2\"",
                 "sh", vmflowd_path(), port});
  PageReader reader(std::stoi(port));
  while (!reader.is_ready()) ASSERT_TRUE(agent.is_running()) << agent.err();
  Guest guest({"cpuid", "--count", "3001"});
  guest.truth();
  const auto page = reader.read();
  const auto exits =
      page.sum("vmflow_vm_exits_total", {{"vm", page.vm_of(guest.pid())}, {"reason", "cpuid"}});
  figure("from the record: 3001 CPUIDs, {} exits", exits);
  EXPECT_EQ(exits, 3001);
  EXPECT_TRUE(page.has("vmflow_host_info", {{"kvm_exit_source", "record"}}));
}

}  // namespace vmflow::lab
