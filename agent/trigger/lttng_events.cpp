// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace vmflow {
namespace {

using enum EventNeed;

// Names of lttng-modules 2.13. Left out on purpose: kvm_mmio (oopses the host),
// kvm_x86_nested_vmrun (never fires since 6.1), kvm_x86_cpuid, kvm_x86_msr, kvm_x86_pio and their
// kind (nothing that the exit does not tell), reschedule interrupts (the wake-up was recorded where
// it was made).
constexpr auto kEvents = std::to_array<LttngEvent>({
    {"kvm_x86_exit", kvm, "guest to kvm, with the exit code and the vCPU"},
    {"kvm_x86_entry", kvm, "kvm to guest; its vcpu_id is no vCPU's id"},
    {"kvm_userspace_exit", kvm, "kvm to vmm, with KVM's reason"},
    {"kvm_fpu", evidence, "KVM_RUN is entered: vmm to kvm before the first entry"},
    {"kvm_x86_apic_accept_irq", evidence, "the interrupt that ends a halt, and in whose context"},
    {"kvm_x86_inj_virq", evidence, "when the guest gets it"},
    {"kvm_set_irq", evidence, "a device's interrupt by pin"},
    {"kvm_msi_set_irq", evidence, "a device's interrupt by message"},
    {"kvm_async_pf_completed", evidence, "a page that the guest waits for is there"},
    {"kvm_x86_nested_vmexit", evidence, "an exit of a nested guest; its fields mean nothing"},
    {"kvm_x86_nested_vmexit_inject", evidence, "which of them its hypervisor gets"},
    {"sched_switch", sched, "who has the CPU"},
    {"sched_waking", sched, "what ends a wait, in the waker's context"},
    {"sched_migrate_task", evidence, "a ready vCPU moves to another CPU"},
    {"sched_process_exit", evidence, "a vCPU's thread ends"},
    {"irq_handler_entry", evidence, "from here on wake-ups are the device's"},
    {"irq_handler_exit", evidence, "until here"},
    {"irq_softirq_entry", evidence, "from here on wake-ups are the kernel's"},
    {"irq_softirq_exit", evidence, "until here"},
    {"x86_irq_vectors_local_timer_entry", evidence, "from here on wake-ups are a timer's"},
    {"x86_irq_vectors_local_timer_exit", evidence, "until here"},
    {"block_rq_issue", evidence, "a disk begins to work"},
    {"block_rq_complete", evidence, "a disk is done"},
});

std::vector<std::string> of_need(const std::vector<std::string>& names, EventNeed need) {
  std::vector<std::string> found;
  for (const auto& event : kEvents)
    if (event.need == need && std::ranges::find(names, event.name) != names.end())
      found.emplace_back(event.name);
  return found;
}

/// Without entries and exits what else KVM tells belongs to no VM.
bool is_of_kvm(const std::string& name) {
  return name.starts_with("kvm_");
}

}  // namespace

std::span<const LttngEvent> lttng_events() {
  return kEvents;
}

const char* name_of(LttngBackend backend) {
  switch (backend) {
    case LttngBackend::none:
      return "none";
    case LttngBackend::lttng_sched:
      return "lttng_sched";
    case LttngBackend::lttng:
      return "lttng";
  }
  return "none";
}

LttngChoice choose_lttng_events(const std::vector<std::string>& tracepoints) {
  const std::set<std::string> offered(tracepoints.begin(), tracepoints.end());
  LttngChoice choice;
  for (const auto& event : kEvents)
    (offered.contains(event.name) ? choice.events : choice.missing).emplace_back(event.name);
  if (const auto lacking = of_need(choice.missing, sched); !lacking.empty()) {
    choice.events.clear();
    choice.reason = fmt::format(
        "LTTng has no {} on this kernel (module lttng-probe-sched); restart lttng-sessiond when "
        "it is there",
        fmt::join(lacking, ", "));
    return choice;
  }
  const auto lacking = of_need(choice.missing, kvm);
  choice.backend = lacking.empty() ? LttngBackend::lttng : LttngBackend::lttng_sched;
  if (!lacking.empty()) {
    std::erase_if(choice.events, is_of_kvm);
    choice.reason = fmt::format(
        "LTTng has no {} on this kernel: its KVM probes are built only where the kernel's private "
        "headers arch/x86/kvm/*.h are",
        fmt::join(lacking, ", "));
  } else if (!choice.missing.empty()) {
    choice.reason = fmt::format("LTTng has no {} on this kernel", fmt::join(choice.missing, ", "));
  }
  return choice;
}

}  // namespace vmflow
