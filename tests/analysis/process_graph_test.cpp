// SPDX-License-Identifier: GPL-2.0-only
// From recorded events to a path: processes inside a guest, and inside a guest of the guest.
#include <gtest/gtest.h>

#include "tests/analysis/drawn_guest.h"
#include "tests/analysis/replayed_graph.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kA = 0xa000, kB = 0xb000, kQemu = 0xc000;
constexpr uint64_t kOne = 0x7f000, kTwo = 0x6f000;

/// Of the process with the page tables `cr3`.
Lines path_of(const DrawnGuest& guest, uint64_t cr3) {
  const Graph graph(guest.events(), false);
  for (uint32_t i = 0; i < graph.graph.workers.size(); i++)
    if (graph.graph.workers[i].process.cr3 == cr3) return graph.path(i);
  ADD_FAILURE() << "no process " << cr3;
  return {};
}

class ProcessGraph : public testing::TestWithParam<ExitWords> {
 protected:
  const ExitWords& words = GetParam();
  DrawnGuest guest{words};
};

}  // namespace

// L1 runs until it enters L2; L0 handles an exit of L2 itself at 3000, hands one to L1 at 5000.
TEST_P(ProcessGraph, nested_guest_runs_on_its_level) {
  guest.enters(1000).runs(2000, kOne, kQemu).handled(3000, words.cpuid, kA);
  guest.reflected(5000, words.halt, kA).leaves(6000, words.io, kQemu);
  guest.trace.to(6000, kIdle, 0);  // which tells its thread's name
  const Graph graph(guest.events(), false);
  EXPECT_EQ(graph.path(graph.of(DrawnGuest::kVcpus[0])),
            (Lines{"CPU 0/KVM running L1 1000-2000", "CPU 0/KVM running L0 2000-2010",
                   "CPU 0/KVM running L2 2010-3000", "CPU 0/KVM running L0 3000-3010",
                   "CPU 0/KVM running L2 3010-5000", "CPU 0/KVM running L0 5000-5010",
                   "CPU 0/KVM running L1 5010-6000"}));
}

// vCPU 0: A runs from 1000, halts at 2000 until B's interrupt at 8000.
// vCPU 1: B runs from 1000, halts at 4000 until its disk's interrupt at 6000.
TEST_P(ProcessGraph, process_waits_for_a_process_that_waits_for_its_disk) {
  guest.on(0).enters(1000).exits(1500, kA).halts(2000, kA, 8000, flow_waker(1, FLOW_WAKE_IPI));
  guest.leaves(9000, words.cpuid, kA);
  guest.on(1).enters(1000).exits(3000, kB);
  guest.halts(4000, kB, 6000, flow_waker(DrawnGuest::kMain.tid, FLOW_WAKE_VMM_DISK));
  guest.leaves(7995, words.msr, kB).enters(8100).leaves(9000, words.cpuid, kB);
  const Graph graph(guest.events(), false);
  const auto vm = graph.graph.workers[graph.of(DrawnGuest::kVcpus[0])].vm;
  EXPECT_EQ(graph.graph.workers[main_worker(graph.graph, vm)].kind, WorkerKind::kProcess);
  EXPECT_EQ(path_of(guest, kA),
            (Lines{"cr3:a000 running L1 1000-1500", "cr3:a000 running L0 1500-1520",
                   "cr3:a000 running L1 1520-2000", "cr3:b000 running L1 2000-3000",
                   "cr3:b000 running L0 3000-3020", "cr3:b000 running L1 3020-4000",
                   "cr3:b000 disk 4000-6000", "cr3:b000 ready 6000-6010",
                   "cr3:b000 running L0 6010-6020", "cr3:b000 running L1 6020-7995",
                   "cr3:b000 running L0 7995-8000", "cr3:a000 ready 8000-8010",
                   "cr3:a000 running L0 8010-8020", "cr3:a000 running L1 8020-9000"}));
}

// Three levels, on two vCPUs: A runs in the guest of vCPU 0 and halts; so does the VM. The process
// that runs the guest of vCPU 1 works for B there, whose disk the host serves; then B wakes A. Both
// are vCPUs of one nested VM, which is called after the lower of the two.
TEST_P(ProcessGraph, process_of_a_nested_guest_waits_for_one_that_waits_for_its_disk) {
  guest.on(0).enters(900).runs(1000, kOne, kQemu).handled(1500, words.cpuid, kA);
  guest.reflected(2000, words.halt, kA).halts(2100, kQemu, 8001, flow_waker(1, FLOW_WAKE_IPI));
  guest.runs(8200, kOne, kQemu).handled(9500, words.cpuid, kA);
  guest.on(1).enters(900).runs(1000, kTwo, kQemu).handled(3000, words.cpuid, kB);
  guest.reflected(4000, words.halt, kB);
  guest.halts(4100, kQemu, 6000, flow_waker(DrawnGuest::kMain.tid, FLOW_WAKE_VMM_DISK));
  guest.runs(6100, kTwo, kQemu).handled(7000, words.cpuid, kB);
  // B's guest writes its interrupt controller: the hypervisor wakes the other vCPU.
  guest.reflected(7500, words.msr, kB).leaves(8000, words.msr, kQemu).enters(8010);
  guest.runs(8100, kTwo, kQemu).handled(9500, words.cpuid, kB);
  EXPECT_EQ(
      path_of(guest, kA),
      (Lines{"cr3:a000 of 6f000 unknown 900-1010",     "cr3:a000 of 6f000 running L2 1010-1500",
             "cr3:a000 of 6f000 running L0 1500-1510", "cr3:a000 of 6f000 running L2 1510-2000",
             "cr3:b000 of 6f000 running L2 2000-3000", "cr3:b000 of 6f000 running L0 3000-3010",
             "cr3:b000 of 6f000 running L2 3010-4000", "cr3:b000 of 6f000 disk 4000-6000",
             "cr3:b000 of 6f000 ready 6000-6010",      "cr3:b000 of 6f000 running L0 6010-6020",
             "cr3:b000 of 6f000 running L1 6020-6100", "cr3:b000 of 6f000 running L0 6100-6110",
             "cr3:b000 of 6f000 running L2 6110-7000", "cr3:b000 of 6f000 running L0 7000-7010",
             "cr3:b000 of 6f000 running L2 7010-7500", "cr3:b000 of 6f000 running L0 7500-7510",
             "cr3:b000 of 6f000 running L1 7510-8000", "cr3:b000 of 6f000 running L0 8000-8001",
             "cr3:a000 of 6f000 ready 8001-8011",      "cr3:a000 of 6f000 running L0 8011-8021",
             "cr3:a000 of 6f000 running L1 8021-8200", "cr3:a000 of 6f000 running L0 8200-8210",
             "cr3:a000 of 6f000 running L2 8210-9500", "cr3:a000 of 6f000 running L0 9500-9510"}));
}

INSTANTIATE_TEST_SUITE_P(BothVendors, ProcessGraph, both_vendors(), vendor_of);

}  // namespace vmflow::test
