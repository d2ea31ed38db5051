// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/bpf_snapshot.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/sources/monotonic_clock.h"
#include "agent/sources/noted_exits.h"
#include "agent/sources/slot_reader.h"

namespace vmflow {
namespace {

/// The tracepoint or function of a program and where its cost is kept.
struct ProgramPlace {
  const char* program;
  const char* name;
  flow_program cost;
};
constexpr auto kPrograms = std::to_array<ProgramPlace>({
    {"on_kvm_entry", "kvm_entry", FLOW_PROG_ENTRY},
    {"on_kvm_exit", "kvm_exit", FLOW_PROG_EXIT},
    {"on_kvm_exit_record", "kvm_exit", FLOW_PROG_EXIT},
    {"on_kvm_userspace_exit", "kvm_userspace_exit", FLOW_PROG_USERSPACE_EXIT},
    {"on_kvm_fpu", "kvm_fpu", FLOW_PROG_RUN},
    {"on_kvm_vcpu_wakeup", "kvm_vcpu_wakeup", FLOW_PROG_WAKEUP},
    {"on_sched_switch", "sched_switch", FLOW_PROG_SWITCH},
    {"on_sched_waking", "sched_waking", FLOW_PROG_WAKING},
    {"on_kvm_apic_accept_irq", "kvm_apic_accept_irq", FLOW_PROG_ACCEPT},
    {"on_sched_migrate_task", "sched_migrate_task", FLOW_PROG_MIGRATE},
    {"on_block_bio_queue", "block_bio_queue", FLOW_PROG_REQUEST},
    {"on_block_rq_complete", "block_rq_complete", FLOW_PROG_REQUEST_END},
    {"on_block_bio_remap", "block_bio_remap", FLOW_PROG_REMAP},
    {"on_blk_throtl", "__blk_throtl_bio", FLOW_PROG_REQUEST_HELD},
    {"on_skb_copy_datagram", "skb_copy_datagram_iovec", FLOW_PROG_PACKET},
    {"on_net_dev_start_xmit", "net_dev_start_xmit", FLOW_PROG_PACKET_QUEUED},
    {"on_net_dev_xmit", "net_dev_xmit", FLOW_PROG_PACKET_DROPPED},
    {"on_netif_receive_skb", "netif_receive_skb_entry", FLOW_PROG_SENT_RECEIVE},
    {"on_netif_receive_skb_list", "netif_receive_skb_list_entry", FLOW_PROG_SENT_LIST},
    {"on_napi_gro_receive", "napi_gro_receive_entry", FLOW_PROG_SENT_GRO},
    {"on_napi_gro_frags", "napi_gro_frags_entry", FLOW_PROG_SENT_FRAGS},
    {"on_netdev_gone", "unregister_netdevice_queue", FLOW_PROG_NETDEV_GONE},
    {"on_packet_sent", "net_dev_start_xmit_ring", FLOW_PROG_RECORD_SENT},
    {"on_packet_received", "netif_receive_skb_ring", FLOW_PROG_RECORD_RECEIVED},
    {"on_irq_handler_entry", "irq_handler_entry", FLOW_PROG_IRQ},
    {"on_thread_exit", "sched_process_exit", FLOW_PROG_THREAD_EXIT},
    {"on_vcpu_destroy", "kvm_arch_vcpu_destroy", FLOW_PROG_DESTROY},
    {"on_vcpu_destroy_fentry", "kvm_arch_vcpu_destroy", FLOW_PROG_DESTROY},
    {"on_kvm_nested_vmenter", "kvm_nested_vmenter", FLOW_PROG_NESTED_ENTRY},
    {"on_kvm_nested_vmexit", "kvm_nested_vmexit", FLOW_PROG_NESTED_EXIT},
    {"on_kvm_nested_vmexit_inject", "kvm_nested_vmexit_inject", FLOW_PROG_NESTED_REFLECT},
});

void read_programs(const BpfPrograms& programs, Snapshot& snapshot) {
  for (const auto& info : programs.programs()) {
    const auto place = std::find_if(kPrograms.begin(), kPrograms.end(),
                                    [&](const auto& p) { return info.name == p.program; });
    if (place == kPrograms.end()) continue;
    snapshot.programs.push_back(
        {place->name, info.attached, programs.cost(place->cost), info.recursion_misses});
  }
}

}  // namespace

Snapshot read_snapshot(const BpfPrograms& programs, const KernelSupport& support, bool with_pairs,
                       std::vector<SlotCopy> room) {
  Snapshot snapshot;
  snapshot.now_ns = monotonic_ns();
  snapshot.has_pairs = with_pairs;
  if (with_pairs) {
    snapshot.blames = programs.blames();
    snapshot.wakers = programs.wakers();
  }
  snapshot.ios = programs.ios();
  snapshot.packets_waiting = programs.packets_waiting();
  const auto unattributed = programs.unattributed_interrupts();
  std::copy(unattributed.begin(), unattributed.end(), snapshot.unattributed_interrupts.begin());
  // Right before the slots: the records of nested vCPUs and the vCPUs' own sums go on meanwhile.
  snapshot.nested = programs.nested_vcpus();
  const uint32_t used = programs.highest_slot() + 1;
  const auto noted = noted_exits({programs.cpus(), programs.cpu_count()});
  const auto in_use = read_slots({programs.slots(), used}, std::move(room), snapshot);
  tell_noted(noted, support.config, snapshot.slots);
  snapshot.maps.push_back({"slots", in_use, programs.slot_count() - 1});
  snapshot.maps.push_back({"nested_vcpus", snapshot.nested.size(), FLOW_MAX_NESTED});
  for (const auto& copy : snapshot.slots)
    if (copy.slot.vm != FLOW_NO_VM && !snapshot.skews.contains(copy.slot.vm))
      snapshot.skews[copy.slot.vm] = programs.skew(copy.slot.vm);
  snapshot.tells_irq = support.config.tell_irq != 0;
  const auto histograms = programs.exit_histograms();
  std::copy(histograms.begin(), histograms.end(), snapshot.exit_histograms.begin());
  const auto losses = programs.losses();
  std::copy(losses.begin(), losses.end(), snapshot.losses.begin());
  read_programs(programs, snapshot);
  snapshot.host.vendor = support.vendor;
  snapshot.host.kernel = support.kernel;
  snapshot.host.exit_source = support.exit_source;
  return snapshot;
}

}  // namespace vmflow
