// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/metric_samples.h"

#include <array>

#include "analysis/exit_reason.h"
#include "analysis/flow_names.h"
#include "analysis/open_interval.h"

namespace vmflow {
namespace {

// Of the kernel's log2 buckets every second bound, exactly: no count is ever split.
constexpr uint32_t kFirstBound = 10, kBoundStep = 2, kBounds = 8;
constexpr uint64_t bound_ns(uint32_t i) {
  return uint64_t{1} << (kFirstBound + kBoundStep * i);
}

constexpr auto kBoundsSeconds = [] {
  std::array<double, kBounds> bounds{};
  for (uint32_t i = 0; i < kBounds; i++) bounds[i] = static_cast<double>(bound_ns(i)) / 1e9;
  return bounds;
}();

double seconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}
double number(uint64_t count) {
  return static_cast<double>(count);
}
std::vector<Sample> one(double value) {
  return {{.labels = {}, .value = value, .cumulative = {}}};
}

Sample value(std::vector<std::string> labels, double value) {
  return {.labels = std::move(labels), .value = value, .cumulative = {}};
}

Sample histogram(std::vector<std::string> labels, const Durations& durations) {
  Sample sample = value(std::move(labels), seconds(durations.sum_ns));
  uint64_t count = 0;
  uint32_t bucket = 0;
  for (uint32_t bound = 0; bound < kBounds; bound++) {
    for (; bucket < FLOW_EXIT_BUCKETS &&
           uint64_t{2} << (bucket + FLOW_EXIT_BUCKET_SHIFT) <= bound_ns(bound);
         bucket++)
      count += durations.bucket[bucket];
    sample.cumulative.push_back(count);
  }
  for (; bucket < FLOW_EXIT_BUCKETS; bucket++) count += durations.bucket[bucket];
  sample.cumulative.push_back(count);
  return sample;
}

template <typename Read>
std::vector<Sample> per_role(const FlowModel& model, Read read) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (uint32_t role = 0; vm.helpers && role < kThreadRoles; role++)
      samples.push_back(
          value({vm.label, std::string(thread_role_name(static_cast<ThreadRole>(role)))},
                read((*vm.helpers)[role])));
  return samples;
}

template <typename Read>
std::vector<Sample> per_disk_op(const FlowModel& model, Read read) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (uint32_t op = 0; vm.disk && op < FLOW_DISK_OPS; op++)
      samples.push_back(value({vm.label, std::string(disk_op_name(static_cast<flow_disk_op>(op)))},
                              read(vm.disk->done[op])));
  return samples;
}

template <typename Read>
std::vector<Sample> per_vm(const FlowModel& model, Read read) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) samples.push_back(value({vm.label}, read(vm)));
  return samples;
}

std::string name_of(uint32_t state) {
  return std::string(state_name(static_cast<flow_state>(state)).name);
}

void add_states(std::vector<Sample>& samples, const std::vector<std::string>& labels,
                const std::array<uint64_t, FLOW_STATES>& state_ns, bool waits_only = false) {
  for (uint32_t state = 0; state < FLOW_STATES; state++) {
    if (waits_only && !is_wait(state)) continue;
    auto with_state = labels;
    with_state.push_back(name_of(state));
    samples.push_back(value(std::move(with_state), seconds(state_ns[state])));
  }
}

template <typename Read>
std::vector<Sample> per_vm_and_exit(const FlowModel& model, Read read) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (const auto& exit : vm.folded_exits)
      samples.push_back(value({vm.label, exit.reason}, read(exit)));
  return samples;
}

template <typename Read>
std::vector<Sample> per_program(const FlowModel& model, Read read) {
  std::vector<Sample> samples;
  for (const auto& program : model.programs)
    samples.push_back(value({program.name}, read(program)));
  return samples;
}

}  // namespace

std::span<const double> histogram_bounds_seconds() {
  return kBoundsSeconds;
}

namespace samples {

std::vector<Sample> vm_info(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    samples.push_back(value({vm.label, vm.name, vm.uuid, vm.vmm, std::to_string(vm.pid)}, 1));
  return samples;
}
std::vector<Sample> vm_vcpus(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return number(vm.vcpus); });
}
std::vector<Sample> vm_start_time(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return vm.start_time_unix_seconds; });
}
std::vector<Sample> vms(const FlowModel& model) {
  return one(number(model.vms.size()));
}
std::vector<Sample> host_info(const FlowModel& model) {
  const auto& host = model.host;
  return {
      value({host.arch, std::string(vendor_name(host.vendor)), host.exit_source, host.kernel}, 1)};
}

std::vector<Sample> vm_vcpu_seconds(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) add_states(samples, {vm.label}, vm.time.state_ns);
  return samples;
}
std::vector<Sample> vm_open_wait(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) add_states(samples, {vm.label}, vm.open_wait_ns, true);
  return samples;
}
std::vector<Sample> vm_wait(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (uint32_t reason = 0; reason < kWaitReasons; reason++)
      samples.push_back(
          value({vm.label, std::string(wait_reason_name(static_cast<WaitReason>(reason)))},
                seconds(vm.wait_ns[reason])));
  return samples;
}
std::vector<Sample> vm_runqueue_wait(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) samples.push_back(histogram({vm.label}, vm.runqueue_waits));
  return samples;
}
std::vector<Sample> wakeup_latency(const FlowModel& model) {
  return {histogram({}, model.wakeup_latencies)};
}
std::vector<Sample> vm_blocked(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (uint32_t block = 0; block < FLOW_BLOCKS; block++)
      samples.push_back(value({vm.label, std::string(block_name(static_cast<flow_block>(block)))},
                              seconds(vm.block_ns[block])));
  return samples;
}
std::vector<Sample> vm_ready_by_culprit(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (uint32_t culprit = 0; culprit < FLOW_CULPRITS; culprit++)
      samples.push_back(
          value({vm.label, std::string(culprit_name(static_cast<flow_culprit>(culprit)))},
                seconds(vm.culprit_ns[culprit])));
  return samples;
}
std::vector<Sample> vm_unaccounted(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return seconds(vm.time.unaccounted_ns); });
}
std::vector<Sample> vm_held_back(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return seconds(vm.time.held_back_ns); });
}
std::vector<Sample> vcpu_info(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (const auto& vcpu : vm.per_vcpu)
      if (vcpu.tid != 0)
        samples.push_back(
            value({vm.label, std::to_string(vcpu.vcpu_id), std::to_string(vcpu.tid)}, 1));
  return samples;
}
std::vector<Sample> vcpu_seconds(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (const auto& vcpu : vm.per_vcpu)
      add_states(samples, {vm.label, std::to_string(vcpu.vcpu_id)}, vcpu.time.state_ns);
  return samples;
}

std::vector<Sample> thread_cpu(const FlowModel& model) {
  return per_role(model, [](const ThreadTime& time) { return seconds(time.cpu_ns); });
}
std::vector<Sample> thread_ready(const FlowModel& model) {
  return per_role(model, [](const ThreadTime& time) { return seconds(time.ready_ns); });
}
std::vector<Sample> disk_operations(const FlowModel& model) {
  return per_disk_op(model, [](const disk_count& count) { return number(count.operations); });
}
std::vector<Sample> disk_bytes(const FlowModel& model) {
  return per_disk_op(model, [](const disk_count& count) { return number(count.bytes); });
}
std::vector<Sample> disk_seconds(const FlowModel& model) {
  return per_disk_op(model, [](const disk_count& count) { return seconds(count.ns); });
}
std::vector<Sample> disk_in_flight(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    if (vm.disk) samples.push_back(value({vm.label}, number(vm.disk->in_flight)));
  return samples;
}
std::vector<Sample> halted_io_pending(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    if (vm.disk) samples.push_back(value({vm.label, "disk"}, seconds(vm.disk->halted_ns)));
  return samples;
}

std::vector<Sample> vm_exits(const FlowModel& model) {
  return per_vm_and_exit(model, [](const ExitFlow& exit) { return number(exit.count); });
}
std::vector<Sample> vm_exit_seconds(const FlowModel& model) {
  return per_vm_and_exit(model, [](const ExitFlow& exit) { return seconds(exit.ns); });
}
std::vector<Sample> vm_exit_duration(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) samples.push_back(histogram({vm.label}, vm.exit_durations));
  return samples;
}
std::vector<Sample> exit_duration(const FlowModel& model) {
  std::vector<Sample> samples;
  for (uint32_t place = 0; place < model.exit_durations.size(); place++) {
    const auto reason = folded_exit_name(model.host.vendor, place);
    if (!reason.empty())
      samples.push_back(histogram({std::string(reason)}, model.exit_durations[place]));
  }
  return samples;
}
std::vector<Sample> vm_userspace_exits(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (const auto& exit : vm.userspace_exits)
      samples.push_back(value({vm.label, exit.name}, number(exit.count)));
  return samples;
}

std::vector<Sample> halt_poll_success(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return seconds(vm.poll_success_ns); });
}
std::vector<Sample> halt_poll_fail(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return seconds(vm.poll_fail_ns); });
}
std::vector<Sample> halt_polls(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) {
    samples.push_back(value({vm.label, "success"}, number(vm.poll_success)));
    samples.push_back(value({vm.label, "fail"}, number(vm.poll_fail)));
  }
  return samples;
}
std::vector<Sample> halt_wakeups(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return number(vm.halt_wakeups); });
}

std::vector<Sample> departed_vms(const FlowModel& model) {
  return one(number(model.departed.vms));
}
std::vector<Sample> departed_seconds(const FlowModel& model) {
  std::vector<Sample> samples;
  add_states(samples, {}, model.departed.time.state_ns);
  return samples;
}
std::vector<Sample> departed_unaccounted(const FlowModel& model) {
  return one(seconds(model.departed.time.unaccounted_ns));
}
std::vector<Sample> departed_exits(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& exit : model.departed.folded_exits)
    samples.push_back(value({exit.reason}, number(exit.count)));
  return samples;
}

std::vector<Sample> build_info(const FlowModel& model) {
  return {value({model.agent.version, model.agent.revision}, 1)};
}
std::vector<Sample> collector_success(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& collector : model.agent.collectors)
    samples.push_back(value({collector.name}, collector.success ? 1 : 0));
  return samples;
}
std::vector<Sample> collector_duration(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& collector : model.agent.collectors)
    samples.push_back(value({collector.name}, collector.duration_seconds));
  return samples;
}
std::vector<Sample> program_attached(const FlowModel& model) {
  return per_program(model,
                     [](const ProgramFlow& program) { return program.attached ? 1.0 : 0.0; });
}
std::vector<Sample> program_runs(const FlowModel& model) {
  return per_program(model, [](const ProgramFlow& program) { return number(program.runs); });
}
std::vector<Sample> program_timed_runs(const FlowModel& model) {
  return per_program(model, [](const ProgramFlow& program) { return number(program.timed_runs); });
}
std::vector<Sample> program_seconds(const FlowModel& model) {
  return per_program(model, [](const ProgramFlow& program) { return seconds(program.run_ns); });
}
std::vector<Sample> program_recursion(const FlowModel& model) {
  return per_program(model,
                     [](const ProgramFlow& program) { return number(program.recursion_misses); });
}
std::vector<Sample> map_entries(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& map : model.maps) samples.push_back(value({map.name}, number(map.entries)));
  return samples;
}
std::vector<Sample> map_limits(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& map : model.maps) samples.push_back(value({map.name}, number(map.max_entries)));
  return samples;
}

std::vector<Sample> events_dropped(const FlowModel& model) {
  std::vector<Sample> samples;
  for (uint32_t i = 0; i < FLOW_LOSSES; i++)
    samples.push_back(value({"bpf", std::string(loss_name(static_cast<flow_loss>(i)))},
                            number(model.health.losses[i])));
  return samples;
}
std::vector<Sample> ledger_anomalies(const FlowModel& model) {
  std::vector<Sample> samples;
  for (uint32_t i = 0; i < FLOW_ANOMALIES; i++)
    samples.push_back(value({std::string(anomaly_name(static_cast<flow_anomaly>(i)))},
                            number(model.health.anomalies[i])));
  return samples;
}
std::vector<Sample> entries_missing(const FlowModel& model) {
  return one(model.health.entries_missing ? 1 : 0);
}
std::vector<Sample> exits_folded(const FlowModel& model) {
  return one(number(model.health.exits_folded));
}
std::vector<Sample> counters_held(const FlowModel& model) {
  return one(number(model.health.clamps));
}
std::vector<Sample> torn_slots(const FlowModel& model) {
  return one(number(model.health.torn_slots));
}
std::vector<Sample> duplicate_uuids(const FlowModel& model) {
  return one(number(model.health.duplicate_uuids));
}

std::vector<Sample> process_cpu(const FlowModel& model) {
  return one(model.agent.process.cpu_seconds);
}
std::vector<Sample> process_resident(const FlowModel& model) {
  return one(number(model.agent.process.resident_bytes));
}
std::vector<Sample> process_virtual(const FlowModel& model) {
  return one(number(model.agent.process.virtual_bytes));
}
std::vector<Sample> process_open_fds(const FlowModel& model) {
  return one(number(model.agent.process.open_fds));
}
std::vector<Sample> process_max_fds(const FlowModel& model) {
  return one(number(model.agent.process.max_fds));
}
std::vector<Sample> process_start_time(const FlowModel& model) {
  return one(model.agent.process.start_time_unix_seconds);
}

}  // namespace samples
}  // namespace vmflow
