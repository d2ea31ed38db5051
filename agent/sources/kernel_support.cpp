// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/kernel_support.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <initializer_list>

#include "agent/sources/btf_offsets.h"

namespace vmflow {
namespace {

constexpr uint32_t kSvmHlt = 0x78;     // SVM_EXIT_HLT
constexpr uint32_t kVmxHlt = 12;       // EXIT_REASON_HLT
constexpr uint32_t kSvmFault = 0x400;  // SVM_EXIT_NPF
constexpr uint32_t kVmxFault = 48;     // EXIT_REASON_EPT_VIOLATION

/// With the arguments that the programs expect of them.
struct OptionalTracepoint {
  const char* name;
  uint32_t arguments;
};
constexpr auto kOptionalTracepoints =
    std::to_array<OptionalTracepoint>({{"kvm_fpu", 1},
                                       {"kvm_apic_accept_irq", 4},
                                       {"kvm_msi_set_irq", 2},
                                       {"kvm_set_irq", 3},
                                       {"kvm_async_pf_completed", 2},
                                       {"sched_migrate_task", 2},
                                       {"irq_handler_entry", 2},
                                       {"irq_handler_exit", 3},
                                       {"softirq_entry", 1},
                                       {"softirq_exit", 1},
                                       {"block_bio_queue", 1},
                                       {"block_bio_complete", 2},
                                       {"block_rq_complete", 3},
                                       {"block_bio_remap", 3},
                                       {"skb_copy_datagram_iovec", 2},
                                       {"net_dev_start_xmit", 2},
                                       {"net_dev_xmit", 4},
                                       {"netif_receive_skb", 1},
                                       {"netif_receive_skb_entry", 1},
                                       {"netif_receive_skb_list_entry", 1},
                                       {"napi_gro_receive_entry", 1},
                                       {"napi_gro_frags_entry", 1}});

/// Of nested guests all three are followed or none: two of them would tell a level that is not
/// left. Source: kvm_nested_vmenter since 6.1; kvm_nested_vmexit had other arguments before 5.16.
constexpr auto kNestedTracepoints = std::to_array<OptionalTracepoint>(
    {{"kvm_nested_vmenter", 9}, {"kvm_nested_vmexit", 2}, {"kvm_nested_vmexit_inject", 6}});

uint32_t offset_or_none(const KernelBtf& btf, std::string_view structure,
                        std::initializer_list<std::string_view> paths) {
  for (auto path : paths)
    if (auto offset = btf.offset(structure, path)) return *offset;
  return FLOW_NO_OFFSET;
}

/// Source: struct vcpu_svm (kvm_amd), struct vcpu_vmx (kvm_intel); both begin with struct kvm_vcpu,
/// which is checked. The VMX reason moved into a common structure with TDX (vt).
/// Errors: leaves FLOW_EXIT_FROM_NOWHERE.
void find_exit_structure(const KernelBtf& btf, KernelSupport& support) {
  auto& config = support.config;
  if (btf.tracepoint_begins_with_pointer("kvm_exit") == false) {
    config.exit_source = FLOW_EXIT_FROM_ARGUMENT;
    support.exit_source = "argument";
  } else if (support.vendor == Vendor::kSvm && btf.offset("vcpu_svm", "vcpu") == 0u) {
    config.vmcb = offset_or_none(btf, "vcpu_svm", {"vmcb"});
    config.own_vmcb = offset_or_none(btf, "vcpu_svm", {"vmcb01.ptr"});
    config.exit_code = offset_or_none(btf, "vmcb", {"control.exit_code"});
    if (config.vmcb == FLOW_NO_OFFSET || config.exit_code == FLOW_NO_OFFSET) return;
    config.exit_source = FLOW_EXIT_FROM_VMCB;
    support.exit_source = "vmcb";
  } else if (support.vendor == Vendor::kVmx && btf.offset("vcpu_vmx", "vcpu") == 0u) {
    config.exit_code = offset_or_none(btf, "vcpu_vmx", {"exit_reason", "vt.exit_reason"});
    if (config.exit_code == FLOW_NO_OFFSET) return;
    config.exit_source = FLOW_EXIT_FROM_VMX;
    support.exit_source = "vmx";
  }
}

void find_exit_code(const KernelBtf& btf, KernelSupport& support) {
  auto& config = support.config;
  config.exit_source = FLOW_EXIT_FROM_NOWHERE;
  config.vmcb = config.own_vmcb = config.exit_code = FLOW_NO_OFFSET;
  config.record_code = offset_or_none(btf, "trace_event_raw_kvm_exit", {"exit_reason"});
  find_exit_structure(btf, support);
  if (config.exit_source == FLOW_EXIT_FROM_NOWHERE) read_exit_code_from_record(support);
}

/// A kprobe is a perf event, and these may be for root alone (Debian's perf_event_paranoid=3).
bool may_open_perf_events() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_SW_DUMMY;
  constexpr int kEveryProcess = -1, kFirstCpu = 0, kNoGroup = -1;
  const auto event = ::syscall(SYS_perf_event_open, &attributes, kEveryProcess, kFirstCpu, kNoGroup,
                               PERF_FLAG_FD_CLOEXEC);
  if (event < 0) return false;
  close(static_cast<int>(event));
  return true;
}

DestroyHook find_destroy_hook(const KernelBtf& btf) {
  if (std::filesystem::exists("/sys/bus/event_source/devices/kprobe/type") &&
      may_open_perf_events())
    return DestroyHook::kprobe;
  return btf.has_function("kvm_arch_vcpu_destroy") ? DestroyHook::fentry : DestroyHook::none;
}

}  // namespace

bool read_exit_code_from_record(KernelSupport& support) {
  if (support.config.record_code == FLOW_NO_OFFSET) return false;
  support.config.exit_source = FLOW_EXIT_FROM_RECORD;
  support.exit_source = "record";
  return true;
}

std::string loaded_vendor_module(const std::string& sysfs) {
  std::error_code ignored;
  const auto modules = std::filesystem::path(sysfs) / "module";
  for (const auto* name : {"kvm_amd", "kvm_intel", "kvm_pvm"})
    if (std::filesystem::exists(modules / name, ignored)) return name;
  return "";
}

Result<KernelSupport> probe_kernel() {
  KernelSupport support;
  utsname name{};
  if (uname(&name) == 0) support.kernel = name.release;
  support.vendor_module = loaded_vendor_module();
  auto btf = KernelBtf::load({"kvm", support.vendor_module});
  if (!btf) return tl::unexpected(btf.error());
  const auto switch_arguments = btf->tracepoint_arguments("sched_switch");
  if (!switch_arguments)
    return failure(
        "the kernel has no sched_switch tracepoint in its BTF: it needs CONFIG_TRACEPOINTS=y");
  if (support.vendor_module.empty()) return support;

  support.kvm = Kvm::present;
  if (support.vendor_module == "kvm_amd") support.vendor = Vendor::kSvm;
  if (support.vendor_module == "kvm_intel") support.vendor = Vendor::kVmx;
  auto& config = support.config;
  config.is_vmx = support.vendor == Vendor::kVmx;
  config.halt_code = config.is_vmx ? kVmxHlt : kSvmHlt;
  config.switch_has_prev_state = *switch_arguments >= 4;
  config.vcpu_id = offset_or_none(*btf, "kvm_vcpu", {"vcpu_id"});
  config.vcpu_kvm = offset_or_none(*btf, "kvm_vcpu", {"kvm"});
  config.mp_state = offset_or_none(*btf, "kvm_vcpu", {"arch.mp_state"});
  if (config.vcpu_id == FLOW_NO_OFFSET || config.vcpu_kvm == FLOW_NO_OFFSET ||
      config.mp_state == FLOW_NO_OFFSET)
    return failure(
        fmt::format("struct kvm_vcpu is not in the BTF of the kernel or of {}: vmflow needs "
                    "modules built with BTF",
                    support.vendor_module));
  config.apf_halted = offset_or_none(*btf, "kvm_vcpu", {"arch.apf.halted"});
  config.fault_code = flow_exit_index(config.is_vmx, config.is_vmx ? kVmxFault : kSvmFault);
  config.preempt_notifier = offset_or_none(*btf, "kvm_vcpu", {"preempt_notifier"});
  config.vcpu_apic = offset_or_none(*btf, "kvm_vcpu", {"arch.apic"});
  config.lapic_regs = offset_or_none(*btf, "kvm_lapic", {"regs"});
  config.vcpu_pid = offset_or_none(*btf, "kvm_vcpu", {"pid"});
  config.poll_success_ns = offset_or_none(
      *btf, "kvm_vcpu", {"stat.generic.halt_poll_success_ns", "stat.halt_poll_success_ns"});
  config.poll_fail_ns = offset_or_none(
      *btf, "kvm_vcpu", {"stat.generic.halt_poll_fail_ns", "stat.halt_poll_fail_ns"});
  for (const auto* needed : {"kvm_entry", "kvm_exit", "kvm_userspace_exit", "kvm_vcpu_wakeup"})
    if (!btf->tracepoint_arguments(needed))
      return failure(fmt::format(
          "the tracepoint {} is not in the BTF of the kernel or of its module kvm: vmflow needs "
          "CONFIG_TRACEPOINTS=y and modules built with BTF",
          needed));
  for (const auto& [name, arguments] : kOptionalTracepoints)
    if (btf->tracepoint_arguments(name) != arguments) support.missing_tracepoints.push_back(name);
  const auto is_there = [&](const OptionalTracepoint& tracepoint) {
    return btf->tracepoint_arguments(tracepoint.name) == tracepoint.arguments;
  };
  support.sees_nested = std::ranges::all_of(kNestedTracepoints, is_there);
  if (!support.sees_nested)
    for (const auto& tracepoint : kNestedTracepoints)
      support.missing_tracepoints.push_back(tracepoint.name);
  find_exit_code(*btf, support);
  config.regs_cr3 = offset_or_none(*btf, "vmcb", {"save.cr3"});
  config.regs_rip = offset_or_none(*btf, "vmcb", {"save.rip"});
  config.regs_rsp = offset_or_none(*btf, "vmcb", {"save.rsp"});
  config.regs_cpl = offset_or_none(*btf, "vmcb", {"save.cpl"});
  support.destroy_hook = find_destroy_hook(*btf);
  support.sees_throttled_bios = btf->has_function("__blk_throtl_bio");
  support.sees_netdevs_removed = btf->has_function("unregister_netdevice_queue");
  return support;
}

Result<void> check_privilege() {
  constexpr std::array<bpf_insn, 2> return_zero = {
      bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
               .dst_reg = BPF_REG_0,
               .src_reg = 0,
               .off = 0,
               .imm = 0},
      bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const int program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "vmflow_probe", "GPL",
                                    return_zero.data(), return_zero.size(), nullptr);
  if (program >= 0) {
    close(program);
    return {};
  }
  if (errno == EPERM)
    return failure(
        "loading BPF programs is not permitted: run as root, or with CAP_BPF and CAP_PERFMON");
  return failure(
      fmt::format("the kernel takes no BPF program ({}): it needs CONFIG_BPF_SYSCALL=y and "
                  "CONFIG_BPF_EVENTS=y",
                  std::strerror(errno)));
}

}  // namespace vmflow
