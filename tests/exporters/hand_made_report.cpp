// SPDX-License-Identifier: GPL-2.0-only
#include "tests/exporters/hand_made_report.h"

#include <algorithm>
#include <array>
#include <random>

#include "analysis/path_sentence.h"
#include "analysis/process_workload.h"

namespace vmflow::test {

const char* const kHostileName =
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&\xff";

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kBegin = 5'000 * kSecond, kWindow = 10 * kSecond;

constexpr uint64_t seconds(double amount) {
  return static_cast<uint64_t>(amount * 1e9);
}

VmFlow web() {
  VmFlow vm;
  vm.label = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";
  vm.name = "web";
  vm.pid = 4711;
  vm.vcpus = 1;
  vm.time.state_ns[FLOW_GUEST] = seconds(3);
  vm.time.state_ns[FLOW_KVM] = seconds(0.5);
  vm.time.state_ns[FLOW_READY] = seconds(4);
  vm.time.state_ns[FLOW_HALTED] = seconds(2);
  vm.time.state_ns[FLOW_VMM_BLOCKED] = seconds(0.25);
  vm.time.unaccounted_ns = seconds(0.25);
  vm.wait_ns[static_cast<size_t>(WaitReason::kTimer)] = seconds(1.5);
  vm.wait_ns[static_cast<size_t>(WaitReason::kDisk)] = seconds(0.4);
  vm.open_wait_ns[FLOW_HALTED] = seconds(0.1);
  vm.block_ns[FLOW_BLOCK_MEMORY] = seconds(0.25);
  vm.culprit_ns[FLOW_CULPRIT_OTHER_VM] = seconds(3);
  vm.culprit_ns[FLOW_CULPRIT_HOST_TASK] = seconds(0.9);
  vm.culprit_ns[FLOW_CULPRIT_UNKNOWN] = seconds(0.1);
  vm.exits = {{"hlt", 2000, seconds(0.1)}, {"cpuid", 30010, seconds(0.3)}, {"msr", 7, 7000}};
  vm.levels = NestedSums{.level_ns = {seconds(1), seconds(2), seconds(6), seconds(1)},
                         .pending_ns = 0,
                         .entries = 40,
                         .handled = 30,
                         .reflected = 10,
                         .deeper = 0};
  vm.per_vcpu = {{0, 4712, vm.time}};
  return vm;
}

/// Of web: one that computes, and one that waits for its disk and for the first.
VmProcesses processes_of_web() {
  GuestProcess first, second;
  first.key = {.nested_vm = 0, .cr3 = 0x1a2b3000};
  first.certain_ns = seconds(1.8);
  first.sampled_ns = seconds(0.2);
  first.host_ns = seconds(0.25);
  first.behind_ns = seconds(0.5);
  first.ready_ns[FLOW_CULPRIT_OTHER_VM] = seconds(2);
  first.preempted = 100;
  first.exits = 500;
  first.threads = 3;
  first.first_ns = kBegin;
  first.last_ns = kBegin + kWindow;
  second.key = {.nested_vm = 0x7f000, .cr3 = 0x4d5e6000};
  second.level = 2;
  second.certain_ns = seconds(0.5);
  second.wait_ns[static_cast<size_t>(WaitReason::kDisk)] = seconds(1.5);
  second.wait_ns[static_cast<size_t>(WaitReason::kTask)] = seconds(0.5);
  second.exits = 40;
  second.threads = 1;
  second.first_ns = kBegin + seconds(1);
  second.last_ns = kBegin + seconds(9);
  GuestProcess daemon;
  daemon.key = {.nested_vm = 0, .cr3 = 0x7d8e9000};
  daemon.sampled_ns = seconds(0.02);
  daemon.wait_ns[static_cast<size_t>(WaitReason::kTimer)] = seconds(9);
  daemon.exits = 9;
  daemon.threads = 1;
  daemon.first_ns = kBegin + seconds(0.5);
  daemon.last_ns = kBegin + seconds(9.52);
  second.wakers = {{.process = 0, .count = 25, .ns = seconds(0.5)}};
  VmProcesses vm{.vm = {.tgid = 4711, .kvm = 1},
                 .processes = {first, second, daemon},
                 .idle_ns = seconds(0.28),
                 .untold_ns = seconds(0.2)};
  vm.ranks = rank_workload(vm);
  return vm;
}

/// Of web: a guest with a guest of its own.
VmNested nested_of_web() {
  NestedVcpu outer{
      .vmcb12 = 0x7f000, .nested_vm = 0x7f000, .owner = GuestProcessKey{0, 0x1a2b3000}};
  NestedVcpu inner{.vmcb12 = 0x6f000, .nested_vm = 0x6f000, .level = 3, .parent = 0x7f000};
  const auto put = [](NestedVcpu& vcpu, double begin, double end, NestedState state,
                      uint64_t by = 0) {
    vcpu.state_ns[static_cast<size_t>(state)] += seconds(end - begin);
    vcpu.stretches.push_back({.begin_ns = kBegin + seconds(begin),
                              .end_ns = kBegin + seconds(end),
                              .state = state,
                              .reason = WaitReason::kDisk,
                              .by = by});
    if (state == NestedState::kWaiting)
      vcpu.wait_ns[static_cast<size_t>(WaitReason::kDisk)] += seconds(end - begin);
    if (state == NestedState::kPreempted) vcpu.preempted_by_ns[by] += seconds(end - begin);
  };
  put(outer, 0, 1, NestedState::kHost);
  put(outer, 1, 4, NestedState::kRunning);
  put(outer, 4, 6, NestedState::kOwnGuest, inner.vmcb12);
  put(outer, 6, 7, NestedState::kHypervisor);
  put(outer, 7, 9, NestedState::kWaiting);
  put(outer, 9, 10, NestedState::kPreempted, 0x5f000);
  put(inner, 4, 5.5, NestedState::kRunning);
  put(inner, 5.5, 6, NestedState::kReady);
  inner.ready_ns[FLOW_CULPRIT_OTHER_VM] = seconds(0.5);
  return {.vm = {.tgid = 4711, .kvm = 1}, .vcpus = {outer, inner}};
}

/// Of web: it runs for 3.5 s, waits for a backend's disk for 4 s while batch holds that one's CPU
/// for another second, and runs again.
ReportPath path_of_web() {
  const auto at = [](double s) { return kBegin + seconds(s); };
  ReportPath report;
  report.workers = {
      {WorkerKind::kVcpu, "vCPU 0 of web", web().label, "web", 0, 4712},
      {WorkerKind::kVhost, "vhost-4711 of web", web().label, "web", 0, 4720},
      {WorkerKind::kVcpu, "vCPU 1 of backend", "4900-1", "backend", 1, 4902},
      {WorkerKind::kVmm, "IO disk0 (tid 4905) of backend", "4900-1", "backend", 0, 4905},
      {WorkerKind::kVcpu, "vCPU 0 of batch", "4800-77", "batch", 0, 4801}};
  auto& path = report.path;
  path = {.worker = 0,
          .begin_ns = at(0),
          .end_ns = at(10),
          .stretches = {{0, at(0), at(3), kNoWorker, Doing::kRunning, 1},
                        {0, at(3), at(3.5), kNoWorker, Doing::kRunning, 0},
                        {1, at(3.5), at(4), kNoWorker, Doing::kRunning, 0},
                        {3, at(4), at(8), kNoWorker, Doing::kDisk, 0},
                        {2, at(8), at(9), 4, Doing::kReady, 0},
                        {0, at(9), at(10), kNoWorker, Doing::kRunning, 1}},
          .parts = {{0, kNoWorker, Doing::kRunning, 1, seconds(4), 2},
                    {3, kNoWorker, Doing::kDisk, 0, seconds(4), 1},
                    {2, 4, Doing::kReady, 0, seconds(1), 1},
                    {0, kNoWorker, Doing::kRunning, 0, seconds(0.5), 1},
                    {1, kNoWorker, Doing::kRunning, 0, seconds(0.5), 1}},
          .not_followed = 0};
  report.sentence = path_sentence(report);
  return report;
}

VmFlow batch() {
  VmFlow vm;
  vm.label = "4800-77";
  vm.name = "batch";
  vm.pid = 4800;
  vm.vcpus = 1;
  vm.time.state_ns[FLOW_GUEST] = seconds(9);
  vm.time.state_ns[FLOW_KVM] = seconds(0.9);
  vm.time.state_ns[FLOW_READY] = seconds(0.1);
  vm.culprit_ns[FLOW_CULPRIT_OTHER_VM] = seconds(0.1);
  vm.exits = {{"intr", 1000, seconds(0.9)}};
  vm.per_vcpu = {{0, 4801, vm.time}};
  return vm;
}

ReportVcpu vcpu(uint32_t id, uint32_t tid, std::vector<ReportInterval> intervals) {
  return {.vcpu_id = id, .tid = tid, .intervals = std::move(intervals), .left_out = 0};
}

void add_trust(TraceReport& report) {
  report.sources = {{"trace/kernel", "lttng 2.13", "monotonic", 123456, 0, 0},
                    {"trace/ring", "vmflow ring", "monotonic", 65432, 0, std::nullopt}};
  report.missing = {{"halt polling",
                     "an LTTng trace alone does not tell how long KVM polled; "
                     "its time counts as halted or kvm"}};
  report.crosscheck = {{"exits", "", 33017, 33016, 0.00003, 0.001},
                       {"ready_seconds", "s", 4.0, 4.002, 0.0005, 0.01}};
  report.crosscheck_left_out = {"halt polling is not in an LTTng trace"};
  report.anomalies = {{"entry_in_guest", 0}};
}

/// A plausible life: phases of work, of sleep and of trouble, each of many short intervals.
std::vector<ReportInterval> life(std::mt19937_64& random, uint32_t count, double trouble) {
  std::vector<ReportInterval> all;
  const double mean = static_cast<double>(kWindow) / count;
  std::exponential_distribution<double> length(1 / mean);
  std::uniform_real_distribution<double> chance(0, 1);
  double at = static_cast<double>(kBegin);
  for (uint32_t i = 0; i < count; i++) {
    const double part = static_cast<double>(i) / count;
    const bool troubled = part > 0.4 && part < 0.75 && chance(random) < trouble;
    const bool asleep = static_cast<uint32_t>(part * 12) % 3 == 1;
    auto state = chance(random) < 0.15 ? FLOW_KVM : asleep ? FLOW_HALTED : FLOW_GUEST;
    uint32_t detail = state == FLOW_KVM ? 1 : state == FLOW_HALTED ? 2 : 0;
    if (troubled) state = FLOW_READY, detail = 3;
    if (i % 97 == 0) state = FLOW_VMM, detail = 4;
    const double end = at + length(random);
    all.push_back({static_cast<uint64_t>(at), static_cast<uint64_t>(end), state, detail});
    at = end;
    if (i % 1009 == 0) at += mean * 5;  // a gap: nothing is known
  }
  return all;
}

}  // namespace

TraceReport small_report() {
  TraceReport report;
  report.trigger = {"ready_spike", web().label, "ready rose from 0 to 0.8 s/s for 3 s."};
  report.window = {kBegin, kBegin + kWindow, "monotonic", 1'700'000'000'123'000'000};
  report.host = {"host-1", "6.1.0-40-amd64", "AMD EPYC", 8, "0.1.0"};
  add_trust(report);
  report.marks = {{kBegin + 4 * kSecond, "onset"}, {kBegin + 7 * kSecond, "trigger ready_spike"}};
  DetailTable details;
  const auto cpuid = details.place("exit cpuid"), timer = details.place("ended by timer");
  const auto taken = details.place("batch has the CPU");
  details.place("exit io");
  report.details = std::move(details).take();
  const auto at = [](double s) { return kBegin + seconds(s); };
  report.vms.push_back({.flow = web(),
                        .culprits = {{FLOW_CULPRIT_OTHER_VM, "batch", 4800, seconds(3)},
                                     {FLOW_CULPRIT_HOST_TASK, "backup", 99, seconds(0.9)},
                                     {FLOW_CULPRIT_UNKNOWN, "", 0, seconds(0.1)}},
                        .vcpus = {vcpu(0, 4712,
                                       {{at(0), at(3), FLOW_GUEST, 0},
                                        {at(3), at(3.5), FLOW_KVM, cpuid},
                                        {at(3.5), at(5.5), FLOW_HALTED, timer},
                                        {at(5.5), at(9.5), FLOW_READY, taken},
                                        {at(9.75), at(10), FLOW_VMM_BLOCKED, 0}})},
                        .verdict = {},
                        .processes = processes_of_web(),
                        .nested = nested_of_web(),
                        .path = path_of_web()});
  report.vms.push_back({.flow = batch(),
                        .culprits = {{FLOW_CULPRIT_OTHER_VM, "web", 4711, seconds(0.1)}},
                        .vcpus = {vcpu(0, 4801, {{at(0), at(10), FLOW_GUEST, 0}})},
                        .verdict = {}});
  return judged(std::move(report));
}

TraceReport large_report(uint32_t intervals) {
  auto report = small_report();
  report.finding.clear();
  std::mt19937_64 random(7);
  std::vector<ReportVm> vms = {report.vms[0], report.vms[1], report.vms[1]};
  vms[2].flow.label = "4900-78";
  vms[2].flow.name = kHostileName;
  vms[2].culprits.clear();
  vms[0].culprits[0].who = kHostileName;
  report.details[3] = std::string(kHostileName) + " has the CPU";
  constexpr std::array<uint32_t, 3> kVcpus = {4, 2, 2};
  constexpr std::array<double, 3> kTrouble = {0.7, 0.1, 0};
  for (size_t i = 0; i < vms.size(); i++) {
    const auto one = vms[i].flow.per_vcpu[0];
    vms[i].vcpus.clear();
    vms[i].flow.per_vcpu.clear();
    for (uint32_t id = 0; id < kVcpus[i]; id++) {
      vms[i].vcpus.push_back(vcpu(id, one.tid + id, life(random, intervals / 8, kTrouble[i])));
      vms[i].flow.per_vcpu.push_back({id, one.tid + id, one.time});
    }
  }
  report.vms = std::move(vms);
  return judged(std::move(report));
}

}  // namespace vmflow::test
