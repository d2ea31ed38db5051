// SPDX-License-Identifier: GPL-2.0-only
#include "tests/analysis/hand_made_model.h"

#include "analysis/exit_reason.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// Each state gets one second more than the one before it.
TimeLedger ledger(uint64_t first_seconds) {
  TimeLedger time;
  for (uint32_t state = 0; state < FLOW_STATES; state++)
    time.state_ns[state] = (first_seconds + state) * kSecond;
  time.unaccounted_ns = kSecond / 2;
  time.held_back_ns = kSecond / 4;
  return time;
}

std::vector<ExitFlow> folded_exits(uint64_t count) {
  std::vector<ExitFlow> exits;
  for (uint32_t place = 0; place < kFoldedExits; place++)
    exits.push_back({std::string(folded_exit_name(Vendor::kSvm, place)), count + place,
                     (count + place) * 1000});
  return exits;
}

// One exit in every bucket.
Durations durations(uint64_t sum_ns) {
  Durations all;
  all.bucket.fill(1);
  all.sum_ns = sum_ns;
  return all;
}

WaitsByReason waits(uint64_t first_seconds) {
  WaitsByReason all;
  for (uint32_t reason = 0; reason < kWaitReasons; reason++) {
    all[reason].bucket.fill(1 + reason);
    all[reason].sum_ns = (first_seconds + reason) * kSecond;
  }
  return all;
}

/// As of half a minute: another VM had most of it.
SlowdownFlow slowdown() {
  SlowdownFlow slowdown;
  for (uint32_t kind = 0; kind < kSlowdownKinds; kind++)
    slowdown.total_ns[kind] = (100 + kind) * kSecond;
  auto& window = slowdown.window;
  window = {.begin_ns = 970 * kSecond,
            .end_ns = 1000 * kSecond,
            .whole_ns = 30 * kSecond,
            .wanted_ns = 20 * kSecond,
            .taken_before = {{FLOW_CULPRIT_OTHER_VM, 5000, kSecond}}};
  window.ns[static_cast<uint32_t>(SlowdownKind::kCpuOtherVm)] = 6 * kSecond;
  window.ns[static_cast<uint32_t>(SlowdownKind::kQuota)] = kSecond;
  return slowdown;
}

VmFlow vm() {
  VmFlow vm;
  vm.label = vm.uuid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";
  vm.name = "db \"1\" in C:\\vms\nsecond line";
  vm.vmm = "qemu";
  vm.names = {.title = "The \"shop\"", .openstack_project = "webshop", .machine = "qemu-1-db"};
  vm.pid = 4711;
  vm.start_time_unix_seconds = 1'700'000'000;
  vm.vcpus = 1;
  vm.time = ledger(10);
  for (const auto state : {FLOW_HALTED, FLOW_READY}) vm.open_wait_ns[state] = kSecond;
  vm.exits = {{"cpuid", 7, 7000}};
  vm.folded_exits = folded_exits(100);
  vm.exit_durations = durations(2 * kSecond);
  vm.wakeup_latencies = durations(6 * kSecond);
  vm.wait_durations = waits(10);
  vm.skew_ns = 7 * kSecond;
  vm.runqueue_waits = durations(3 * kSecond);
  vm.userspace_exits = {{"io", 20}, {"mmio", 30}};
  for (uint32_t reason = 0; reason < kWaitReasons; reason++) vm.wait_ns[reason] = reason * kSecond;
  for (uint32_t block = 0; block < FLOW_BLOCKS; block++)
    vm.block_ns[block] = (20 + block) * kSecond;
  for (uint32_t culprit = 0; culprit < FLOW_CULPRITS; culprit++)
    vm.culprit_ns[culprit] = (10 + culprit) * kSecond;
  for (uint32_t culprit = 0; culprit < FLOW_CULPRITS; culprit++)
    vm.preemptions[culprit] = 50 + culprit;
  vm.helpers = RoleTimes{};
  for (uint32_t role = 0; role < kThreadRoles; role++)
    (*vm.helpers)[role] = {(30 + role) * kSecond, (40 + role) * kSecond};
  vm.disk = DiskFlow{.done = {{{11, 45056, kSecond}, {12, 49152, 2 * kSecond}, {1, 0, 1000}}},
                     .in_flight = 2,
                     .halted_ns = 5 * kSecond,
                     .contended_ns = 6 * kSecond,
                     .waited_ns = 7 * kSecond,
                     .held_ns = 8 * kSecond};
  vm.levels = NestedSums{
      .level_ns = {kSecond, 2 * kSecond, vm.time.state_ns[FLOW_GUEST_NESTED], 5 * kSecond},
      .pending_ns = kSecond / 8,
      .entries = 4000,
      .handled = 100,
      .reflected = 3999,
      .deeper = 7};
  vm.nested = {{.id = 0x6a6d000,
                .root = 0x1234000,
                .vcpus = {0x6a6d000, 0x6a6e000},
                .level_ns = {kSecond, 2 * kSecond, vm.time.state_ns[FLOW_GUEST_NESTED]},
                .entries = 4000,
                .deeper = 7,
                .first_ns = 900 * kSecond,
                .last_ns = 999 * kSecond,
                .exits = {{"cpuid", 0, 3001}, {"intr", 100, 998}}}};
  vm.net = NetFlow{.received = {21, 2100},
                   .tap = NetFlow::Tap{.transmitted = {22, 2200},
                                       .waiting = 3,
                                       .waited_ns = 9 * kSecond,
                                       .dropped = 4,
                                       .halted_ns = 10 * kSecond}};
  vm.interrupts.emplace();
  for (uint32_t reason = 0; reason < kWaitReasons; reason++) (*vm.interrupts)[reason] = 60 + reason;
  vm.poll_success_ns = 3 * kSecond;
  vm.poll_fail_ns = 4 * kSecond;
  vm.poll_success = 300;
  vm.poll_fail = 400;
  vm.halt_wakeups = 500;
  vm.per_vcpu = {{0, 4712, ledger(10)}};
  vm.slowdown = slowdown();
  vm.use = {.kind = VmUseKind::kIdle,
            .window_ns = 300 * kSecond,
            .vcpus = 1,
            .happened = {.whole_ns = 300 * kSecond, .wanted_ns = kSecond, .timers = 3600}};
  return vm;
}

AgentFlow agent() {
  AgentFlow agent;
  agent.version = "1.2.3";
  agent.revision = "0123456789ab";
  agent.collectors = {{"bpf", true, 0.25}, {"vm_inventory", false, 0.5}};
  agent.process = {.cpu_seconds = 1.5,
                   .start_time_unix_seconds = 1'700'000'100,
                   .resident_bytes = 4096,
                   .virtual_bytes = 8192,
                   .open_fds = 10,
                   .max_fds = 1024};
  agent.rights = {.capabilities = {{"bpf", true}, {"perfmon", true}, {"syslog", false}},
                  .unprivileged_user = true,
                  .no_new_privs = true,
                  .system_call_filter = false};
  agent.libvirt =
      LibvirtFlow{.success = true, .age_seconds = 2.5, .domains = 3, .errors = {1, 2, 3, 4, 5, 6}};
  agent.overhead = {.budget_ratio = 0.005,
                    .cost_ratio = 0.0062,
                    .given_up = 1u << FLOW_DETAIL_RECORDER | 1u << FLOW_DETAIL_DEVICES,
                    .state = OverheadState::kOverBudget,
                    .steps_down = 3,
                    .steps_up = 1};
  return agent;
}

TraceFlow trace(const std::string& vm) {
  TraceFlow trace;
  trace.triggers = {{.name = "ready_by_others",
                     .evaluations = 900,
                     .fired = 8,
                     .suppressed = {1, 2, 3, 4, 5, 6},
                     .last_snapshot_unix_seconds = 1'700'000'200},
                    {.name = "http"}};
  trace.backends = {{.name = "lttng",
                     .available = true,
                     .snapshots = 7,
                     .failures = 1,
                     .events_lost = 11,
                     .written_bytes = 123456}};
  trace.links = {{vm, "20231114T221640Z-000007", "ready_by_others"}};
  trace.analyses = {.done = 4,
                    .failed = 1,
                    .events = 250000,
                    .seconds = 2.5,
                    .disagreements = {{"exits", 0.0005}, {"ready_seconds", 0.002}}};
  trace.spans = {{"ring", 17.5}, {"lttng", 26}};
  trace.stored_snapshots = 5;
  trace.stored_bytes = 100000;
  return trace;
}

}  // namespace

FlowModel hand_made_model() {
  FlowModel model;
  model.now_ns = 1000 * kSecond;
  model.host = {
      .vendor = Vendor::kSvm, .arch = "x86_64", .kernel = "6.1.0", .exit_source = "vcpu_svm"};
  model.vms = {vm()};
  model.departed = {.vms = 3, .time = ledger(100), .folded_exits = folded_exits(1000)};
  model.wakeup_latencies = durations(4 * kSecond);
  for (uint32_t reason = 0; reason < kWaitReasons; reason++)
    model.unattributed_interrupts[reason] = 70 + reason;
  model.wait_durations = waits(20);
  model.exit_durations.assign(kFoldedExits, durations(5 * kSecond));
  for (uint32_t i = 0; i < FLOW_ANOMALIES; i++) model.health.anomalies[i] = 10 + i;
  for (uint32_t i = 0; i < FLOW_LOSSES; i++) model.health.losses[i] = 20 + i;
  model.health.clamps = 1;
  model.health.exits_folded = 2;
  model.health.duplicate_uuids = 3;
  model.health.torn_slots = 4;
  model.programs = {{"kvm_entry", true, 2048, 2, 200'000, 1}};
  model.maps = {{"slots", 5, 4096}};
  model.agent = agent();
  model.trace = trace(model.vms[0].label);
  model.web = {.connections = 5,
               .refused = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
               .has_config = true,
               .last_reload_successful = true,
               .last_reload_unix_seconds = 1'700'000'300};
  model.page.left_out = {{"vmflow_vm_interrupts_total", 8}};
  return model;
}

}  // namespace vmflow::test
