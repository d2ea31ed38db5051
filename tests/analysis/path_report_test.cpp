// SPDX-License-Identifier: GPL-2.0-only
// Names, sentences, and which worker a user means.
#include "analysis/path_report.h"

#include <gtest/gtest.h>

#include "tests/analysis/drawn_graph.h"

namespace vmflow::test {
namespace {

const VmNames kNames = {.vms = {{{0, 100}, {"uuid-1", "client", "client"}},
                                {{0, 200}, {"uuid-2", "server", "server"}}}};

/// The client's vCPU runs for 200, waits for the server's iothread, and so for its disk, for 600,
/// and is behind a host task for the rest.
class TwoVms {
 public:
  DrawnGraph drawn;

  TwoVms() {
    auto& client = worker("client", WorkerKind::kVcpu, 100, 101);
    client.vcpu_id = 0;
    worker("IO disk0", WorkerKind::kVmm, 200, 220);
    worker("backup", WorkerKind::kHostTask, 0, 77);
    worker("", WorkerKind::kProcess, 100, 0).process = {.nested_vm = 0, .cr3 = 0xa000};
    drawn.runs("client", 0, 200).waits("client", 200, 800, Doing::kDisk, "IO disk0");
    drawn.is_ready("client", 800, 1000, "backup");
    drawn.waits("IO disk0", 0, 800, Doing::kUnknown).runs("backup", 800, 1000, 0);
  }
  const ExecutionGraph& graph() const { return drawn.graph; }
  std::string sentence(std::string_view who) {
    return report_path(drawn.graph, drawn.of(who), kNames).sentence;
  }

 private:
  Worker& worker(std::string_view name, WorkerKind kind, uint32_t tgid, uint32_t tid) {
    auto& worker = drawn.graph.workers[drawn.of(name, kind)];
    worker.vm = {.tgid = tgid, .kvm = tgid};
    worker.tid = tid;
    return worker;
  }
};

}  // namespace

TEST(PathReport, says_what_the_path_is_mostly_made_of) {
  TwoVms vms;
  EXPECT_EQ(vms.sentence("client"),
            "vCPU 0 of client waits 60 % of the 1.00 µs for server's disk, runs 20 % itself.");
  EXPECT_EQ(vms.sentence("backup"),
            "backup (tid 77) spends 80 % of the 1.00 µs on what nothing tells, runs 20 % itself.");
  vms.drawn.runs("hog", 0, 1000);
  vms.drawn.graph.workers[vms.drawn.of("hog")].kind = WorkerKind::kHostTask;
  EXPECT_EQ(vms.sentence("hog"), "hog (tid 0) runs 100 % of the 1.00 µs itself.");
}

TEST(PathReport, names_only_the_workers_that_it_needs) {
  TwoVms vms;
  const auto report = report_path(vms.graph(), vms.drawn.of("client"), kNames);
  ASSERT_EQ(report.workers.size(), 3u);
  EXPECT_EQ(report.workers[0].name, "vCPU 0 of client");
  EXPECT_EQ(report.workers[1].name, "IO disk0 (tid 220) of server");
  EXPECT_EQ(report.workers[2].name, "backup (tid 77)");
  EXPECT_EQ(report.path.worker, 0u);
  EXPECT_EQ(part_text(report, report.path.parts[0]), "disk");
  EXPECT_EQ(part_text(report, {.by = 2, .doing = Doing::kReady}), "ready behind backup (tid 77)");
  EXPECT_EQ(part_text(report, {.doing = Doing::kRunning, .level = 2}), "running at L2");
}

TEST(PathReport, finds_the_worker_that_is_meant) {
  TwoVms vms;
  const auto find = [&](std::string_view text) { return find_worker(vms.graph(), kNames, text); };
  const auto client = vms.drawn.of("client");
  EXPECT_EQ(find("client/vcpu0"), client);
  EXPECT_EQ(find("uuid-1/vcpu0"), client);
  EXPECT_EQ(find("100/vcpu0"), client);
  EXPECT_EQ(find("101"), client);
  EXPECT_EQ(find("77"), vms.drawn.of("backup"));
  EXPECT_EQ(find("cr3:a000"), vms.drawn.of(""));
  EXPECT_EQ(find("client/cr3:a000"), vms.drawn.of(""));
  for (const auto* wrong : {"", "/", "client", "client/vcpu1", "server/vcpu0", "vcpu0", "0",
                            "server/cr3:a000", "nobody/77"})
    EXPECT_EQ(find(wrong), kNoWorker) << wrong;
  EXPECT_EQ(workers_text(vms.graph(), kNames), "client/vcpu0, 220 (IO disk0), 77 (backup)");
  EXPECT_EQ(workers_text(ExecutionGraph{}, kNames), "none");
}

}  // namespace vmflow::test
