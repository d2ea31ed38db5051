// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: what vCPUs wait for, and who has the CPU meanwhile.
#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

// Said in the texts below.
static_assert(FLOW_WAITERS == 14);

template <typename Read>
void per_role(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms)
    for (uint32_t role = 0; vm.helpers && role < kThreadRoles; role++) {
      const auto& time = (*vm.helpers)[role];
      if (time.cpu_ns != 0 || time.ready_ns != 0)
        samples.add({vm.label, thread_role_name(static_cast<ThreadRole>(role))}, read(time));
    }
}

void vm_wait(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (uint32_t reason = 0; reason < kWaitReasons; reason++)
      samples.add({vm.label, wait_reason_name(static_cast<WaitReason>(reason))},
                  seconds(vm.wait_ns[reason]));
}

void vm_blocked(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (uint32_t block = 0; block < FLOW_BLOCKS; block++)
      samples.add({vm.label, block_name(static_cast<flow_block>(block))},
                  seconds(vm.block_ns[block]));
}

void vm_ready_by_culprit(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (uint32_t culprit = 0; culprit < FLOW_CULPRITS; culprit++)
      if (culprit != FLOW_CULPRIT_IRQ || model.tells_irq)
        samples.add({vm.label, culprit_name(static_cast<flow_culprit>(culprit))},
                    seconds(vm.culprit_ns[culprit]));
}

void vm_preemptions(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (uint32_t culprit = 0; culprit < FLOW_CULPRITS; culprit++)
      if (is_preempter(static_cast<flow_culprit>(culprit)))
        samples.add({vm.label, culprit_name(static_cast<flow_culprit>(culprit))},
                    number(vm.preemptions[culprit]));
}

void vm_skew_seconds(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return seconds(vm.skew_ns); });
}

template <typename... First>
void add_waits(SampleSink& samples, const WaitsByReason& waits, const First&... first) {
  for (uint32_t reason = 0; reason < kWaitReasons; reason++)
    samples.add({first..., wait_reason_name(static_cast<WaitReason>(reason))},
                histogram(waits[reason]));
}

void wait_duration(const FlowModel& model, SampleSink& samples) {
  add_waits(samples, model.wait_durations);
}

void vm_wait_duration(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) add_waits(samples, vm.wait_durations, vm.label);
}

void vm_wakeup_latency(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) samples.add({vm.label}, histogram(vm.wakeup_latencies));
}

void vm_runqueue_wait(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) samples.add({vm.label}, queue_histogram(vm.runqueue_waits));
}

void wakeup_latency(const FlowModel& model, SampleSink& samples) {
  samples.add({}, histogram(model.wakeup_latencies));
}

void thread_cpu(const FlowModel& model, SampleSink& samples) {
  per_role(model, samples, [](const ThreadTime& time) { return seconds(time.cpu_ns); });
}

void thread_ready(const FlowModel& model, SampleSink& samples) {
  per_role(model, samples, [](const ThreadTime& time) { return seconds(time.ready_ns); });
}

}  // namespace

std::vector<Metric> wait_metrics() {
  return {
      {"vmflow_vm_wait_seconds_total",
       kCounter,
       {"vm", "reason"},
       "Halted time by what ended it; unknown is an answer, never a guess.",
       kMono,
       "with vmflow_vm_open_wait_seconds it is the state halted; interrupts that the hardware "
       "delivers "
       "without KVM (posted interrupts, AVIC) are unknown; vhost is net, whatever device it serves",
       vm_wait,
       MetricDetail::kVmCauses},
      {"vmflow_vm_blocked_seconds_total",
       kCounter,
       {"vm", "cause"},
       "Time that vCPU threads slept outside HLT, by what in: a page of the guest, the VMM's reads "
       "and writes, a lock of the VMM, anything else.",
       kMono,
       "with vmflow_vm_open_wait_seconds it is the state vmm_blocked; a page fault of the VMM's "
       "own "
       "code is io or other",
       vm_blocked,
       MetricDetail::kVmCauses},
      {"vmflow_vm_ready_by_culprit_seconds_total",
       kCounter,
       {"vm", "culprit"},
       "Ready time by who held the CPU: another VM, this VM itself, a host task, a kernel thread, "
       "or "
       "none (the CPU was idle).",
       kMono,
       "with vmflow_vm_open_wait_seconds it is the state ready; more than 14 vCPUs that wait for "
       "one "
       "CPU, and migrations on a kernel without CONFIG_KALLSYMS_ALL, are unknown; interrupts count "
       "for the task they interrupt, but with --collector.culprit.irq those of devices and soft "
       "interrupts are irq",
       vm_ready_by_culprit,
       MetricDetail::kVmCauses},
      {"vmflow_vm_preemptions_total",
       kCounter,
       {"vm", "culprit"},
       "vCPU threads that had to leave a CPU although they could run, by who ran next; none: "
       "nobody, "
       "as the quota was used up.",
       kEvents,
       kExact,
       vm_preemptions,
       MetricDetail::kVmSingles},
      {"vmflow_vm_skew_seconds_total",
       kCounter,
       {"vm"},
       "Time in which at least one vCPU of the VM had a CPU while at least one other was ready.",
       kMono,
       "wall time of the VM, not of its vCPUs; one that is throttled is not ready, which is "
       "noticed "
       "at switches and wake-ups; after a lost event until the vCPU's next one",
       vm_skew_seconds,
       MetricDetail::kVmCauses},
      {"vmflow_wait_duration_seconds",
       kHistogram,
       {"reason"},
       "Halts of vCPUs that have ended, by what ended them, all VMs together.",
       kMono,
       "a halt whose wake-up came before it is not among them; its time is 0",
       wait_duration,
       MetricDetail::kAlways,
       wait_bounds_seconds()},
      {"vmflow_vm_wait_duration_seconds",
       kHistogram,
       {"vm", "reason"},
       "Halts of the VM's vCPUs that have ended, by what ended them.",
       kMono,
       "as of vmflow_wait_duration_seconds; the sums are vmflow_vm_wait_seconds_total",
       vm_wait_duration,
       MetricDetail::kVmWaits,
       wait_bounds_seconds()},
      {"vmflow_vm_runqueue_wait_seconds",
       kHistogram,
       {"vm"},
       "Waits of vCPU threads for a CPU, from the wake-up or the preemption to the switch, without "
       "throttled time.",
       kMono,
       "waits that have ended; with the open one their sum is the state ready",
       vm_runqueue_wait,
       MetricDetail::kVmSingles,
       queue_bounds_seconds()},
      {"vmflow_wakeup_latency_seconds",
       kHistogram,
       {},
       "From the wake-up of a vCPU thread until it has a CPU, all VMs together.",
       kMono,
       kExact,
       wakeup_latency},
      {"vmflow_vm_wakeup_latency_seconds",
       kHistogram,
       {"vm"},
       "From the wake-up of a vCPU thread until it has a CPU.",
       kMono,
       kExact,
       vm_wakeup_latency,
       MetricDetail::kVmWaits},
      {"vmflow_vm_thread_cpu_seconds_total",
       kCounter,
       {"vm", "role"},
       "CPU time of the VMM's threads that run no vCPU, by what they are for.",
       kThreads,
       kThreadsBlind,
       thread_cpu,
       MetricDetail::kVmDevices},
      {"vmflow_vm_thread_ready_seconds_total",
       kCounter,
       {"vm", "role"},
       "Time that those threads could run and had no CPU.",
       kThreads,
       kThreadsBlind,
       thread_ready,
       MetricDetail::kVmDevices},
  };
}

}  // namespace vmflow
