// SPDX-License-Identifier: GPL-2.0-only
// What every exporter shows: one host at one moment. Values only, frozen once it is built.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/helper_threads.h"
#include "analysis/overhead_flow.h"
#include "analysis/page_flow.h"
#include "analysis/rights_flow.h"
#include "analysis/slowdown.h"
#include "analysis/snapshot.h"
#include "analysis/trace_flow.h"
#include "analysis/vm_use.h"
#include "analysis/wait_reason.h"
#include "analysis/web_flow.h"
#include "bpf/records.h"

namespace vmflow {

/// Where vCPU time went. Units: nanoseconds of CLOCK_MONOTONIC.
/// Shape: `state_ns`, `unaccounted_ns` and `held_back_ns` sum to the time since the first event.
struct TimeLedger {
  std::array<uint64_t, FLOW_STATES> state_ns{};
  uint64_t unaccounted_ns = 0;
  uint64_t held_back_ns = 0;  ///< before a halt: kernel work or polling, not yet known
};

/// Of `state_ns`: in the guest, in KVM or in the VMM.
constexpr uint64_t on_cpu_ns(const std::array<uint64_t, FLOW_STATES>& ns) {
  return ns[FLOW_GUEST] + ns[FLOW_GUEST_NESTED] + ns[FLOW_KVM] + ns[FLOW_VMM];
}
/// The same, and what could have been: the time in which a CPU was wanted.
constexpr uint64_t wanted_ns(const std::array<uint64_t, FLOW_STATES>& ns) {
  return on_cpu_ns(ns) + ns[FLOW_READY] + ns[FLOW_THROTTLED];
}

struct ExitFlow {
  std::string reason;
  uint64_t count = 0;
  uint64_t ns = 0;  ///< kernel and VMM time after such exits, without polling, ready time and sleep
  bool is_interrupt = false;  ///< see is_interrupt_exit(); of the folded ones it is not told
};

struct NamedCount {
  std::string name;
  uint64_t count = 0;
};

/// Durations of one kind. Shape: flow_bucket() says what a bucket holds.
struct Durations {
  std::array<uint64_t, FLOW_EXIT_BUCKETS> bucket{};
  uint64_t sum_ns = 0;
};

/// Waits of one kind by duration. Shape: flow_wait_bucket() says what a bucket holds.
struct WaitDurations {
  std::array<uint64_t, FLOW_WAIT_BUCKETS> bucket{};
  uint64_t sum_ns = 0;
};
constexpr uint64_t count_of(const WaitDurations& waits) {
  uint64_t count = 0;
  for (const auto bucket : waits.bucket) count += bucket;
  return count;
}
/// By WaitReason.
using WaitsByReason = std::array<WaitDurations, kWaitReasons>;

/// Halts of one vCPU that another one has ended with its interrupt.
struct WakerFlow {
  uint32_t vcpu_id = 0;
  std::optional<uint32_t> by_vcpu_id;  ///< absent: not told
  uint64_t count = 0;
  uint64_t ns = 0;  ///< halted time that these ended
};

struct VcpuTime {
  uint32_t vcpu_id = 0;
  uint32_t tid = 0;  ///< of the thread that runs or last ran it; 0: none any more
  TimeLedger time;
};

/// Disk requests that a VM's process has handed to the host.
struct DiskFlow {
  std::array<disk_count, FLOW_DISK_OPS> done{};  ///< by flow_disk_op
  uint64_t in_flight = 0;
  uint64_t halted_ns = 0;     ///< of halted time, with at least one in flight
  uint64_t contended_ns = 0;  ///< with one in flight while another VM has one on the same disk
  uint64_t waited_ns = 0;     ///< of the requests' time, in which the disk served other VMs
  uint64_t held_ns = 0;       ///< of the requests' time, held back by the cgroup's io.max
};

/// What the VM's process or vhost exchanges with network devices of the host.
struct NetFlow {
  /// What only a tap shows; absent without one.
  struct Tap {
    net_count transmitted{};
    uint64_t waiting = 0;    ///< packets for the VM, now
    uint64_t waited_ns = 0;  ///< of packets for the VM, summed
    uint64_t dropped = 0;
    uint64_t halted_ns = 0;  ///< of halted time, with at least one waiting
  };
  net_count received{};
  std::optional<Tap> tap;
};

/// Whose the time of a VM's vCPUs is: the host's and the VM's own while they serve nested guests,
/// the guests', the rest. Shape: `level_ns` and `pending_ns` sum to the states and the unaccounted
/// time.
struct NestedSums {
  std::array<uint64_t, FLOW_LEVELS> level_ns{};
  uint64_t pending_ns =
      0;  ///< l0 and l1, or rest: known when the VM enters a guest again, or halts
  uint64_t entries = 0;
  uint64_t handled = 0;    ///< exits from nested guests that the host handled
  uint64_t reflected = 0;  ///< that it gave to the VM
  uint64_t deeper = 0;     ///< of these, a nested guest entering a guest of its own
};

/// Exits from a nested guest, `reflected` under the reason that the VM sees.
struct NestedExit {
  std::string reason;
  uint64_t handled = 0;
  uint64_t reflected = 0;
};

/// One guest of a VM. Units: `first_ns` and `last_ns` are CLOCK_MONOTONIC.
struct NestedVm {
  uint64_t id = 0;    ///< the VMCB12 of its first vCPU, which it keeps
  uint64_t root = 0;  ///< of its page tables in the VM, at its last entry; 0: no nested paging
  std::vector<uint64_t> vcpus;  ///< by VMCB12
  std::array<uint64_t, FLOW_LEVEL_REST> level_ns{};
  uint64_t entries = 0;
  uint64_t deeper = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  std::vector<NestedExit> exits;
};

/// One live VM.
struct VmFlow {
  std::string label;  ///< stable: see vm_label.h
  std::string name;
  std::string uuid;
  std::string vmm;
  GivenNames names = {};
  uint32_t pid = 0;
  double start_time_unix_seconds = 0;
  uint32_t vcpus = 0;  ///< vCPUs whose threads live
  TimeLedger time;
  std::array<uint64_t, FLOW_STATES> open_wait_ns{};  ///< of `time`, waits that have not ended
  std::array<uint64_t, kWaitReasons> wait_ns{};      ///< of halted time: the rest, by WaitReason
  std::array<uint64_t, FLOW_BLOCKS> block_ns{};      ///< of blocked time: the rest, by flow_block
  std::array<uint64_t, FLOW_CULPRITS> culprit_ns{};  ///< of ready time: the rest, by flow_culprit
  std::array<uint64_t, FLOW_CULPRITS>
      preemptions{};               ///< switched out while runnable, by who ran next
  uint64_t skew_ns = 0;            ///< one vCPU ran while another one was ready
  WaitsByReason wait_durations{};  ///< waits of wait_ns
  uint64_t disk_pending_ns = 0;    ///< of halted time, with a disk request in flight, as vCPUs tell
  uint64_t net_pending_ns = 0;     ///< the same, with a packet for it waiting in its tap
  std::vector<WakerFlow> wakers;   ///< the longest first; read for the API only
  std::vector<ExitFlow> exits;     ///< every reason that occurred
  std::vector<ExitFlow> folded_exits;  ///< the vendor's fixed list, then `other`
  Durations exit_durations;
  Durations runqueue_waits;    ///< waits for a CPU that have ended
  Durations wakeup_latencies;  ///< of them, those after a wake-up
  std::vector<NamedCount> userspace_exits;
  uint64_t poll_success_ns = 0;
  uint64_t poll_fail_ns = 0;
  uint64_t poll_success = 0;
  uint64_t poll_fail = 0;
  uint64_t halt_wakeups = 0;
  std::optional<RoleTimes> helpers;  ///< its threads that run no vCPU; absent if /proc does not say
  std::optional<DiskFlow> disk;      ///< absent if the host has seen no request of it
  std::optional<NestedSums> levels;  ///< absent if it never ran a guest of its own
  std::vector<NestedVm> nested;      ///< those that have run lately
  std::optional<NetFlow> net;        ///< absent if the host has seen it read no packet
  /// Given to its vCPUs, by WaitReason; absent if its process is not known to the kernel side.
  std::optional<std::array<uint64_t, kWaitReasons>> interrupts;
  std::vector<VcpuTime> per_vcpu;  ///< by vCPU id
  SlowdownFlow slowdown;           ///< empty in a model that was built over one window alone
  VmUse use;                       ///< the same
};

/// Time that one VM was ready while another, or a task of the host, held the CPU.
struct CulpritFlow {
  std::string victim;  ///< label of the VM that was ready
  flow_culprit kind = FLOW_CULPRIT_UNKNOWN;
  std::string vm;    ///< label of the culprit VM, if it is one that lives
  std::string task;  ///< name of the thread, if it was no vCPU
  uint32_t pid = 0;  ///< of the culprit's process or kernel thread; 0: none
  uint64_t ns = 0;
};

/// What VMs that are gone have used, so that sums over the host never fall.
struct DepartedFlow {
  uint64_t vms = 0;
  TimeLedger time;
  std::vector<ExitFlow> folded_exits;
};

/// Whether the numbers can be trusted, as counts.
struct LedgerHealth {
  std::array<uint64_t, FLOW_ANOMALIES> anomalies{};
  std::array<uint64_t, FLOW_LOSSES> losses{};
  uint64_t clamps = 0;        ///< counters that would have fallen, and were held
  uint64_t exits_folded = 0;  ///< exits counted under `other`
  uint64_t duplicate_uuids = 0;
  uint64_t torn_slots = 0;
  bool entries_missing = false;
};

struct ProgramFlow {
  std::string name;
  bool attached = false;
  uint64_t runs = 0;
  uint64_t timed_runs = 0;
  uint64_t run_ns = 0;  ///< estimated from the timed runs
  uint64_t recursion_misses = 0;
};

/// One part of the agent that reads something, at this look.
struct CollectorFlow {
  std::string name;
  bool success = false;
  double duration_seconds = 0;
};

/// The agent's own process. Source: /proc/self/{stat,status,limits,fd}.
struct ProcessFlow {
  double cpu_seconds = 0;
  double start_time_unix_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
};

/// Why libvirt told nothing, or not all.
enum class LibvirtError { kLibrary, kConnect, kCall, kNoAnswer, kDied, kXml };
constexpr size_t kLibvirtErrors = 6;

/// What libvirt has told of names.
struct LibvirtFlow {
  bool success = false;               ///< the latest attempt was answered, in time
  std::optional<double> age_seconds;  ///< of the newest whole answer; absent: there was none
  uint64_t domains = 0;               ///< that run, in that answer
  std::array<uint64_t, kLibvirtErrors> errors{};  ///< by LibvirtError
};

/// Filled in by the agent: what only it knows.
struct AgentFlow {
  std::string version;
  std::string revision;
  std::vector<CollectorFlow> collectors;
  ProcessFlow process;
  RightsFlow rights;
  std::optional<LibvirtFlow> libvirt = {};  ///< absent: it was not asked
  OverheadFlow overhead = {};
};

struct FlowModel {
  uint64_t now_ns = 0;
  HostInfo host;
  std::vector<VmFlow> vms;            ///< sorted by label
  std::vector<CulpritFlow> culprits;  ///< by victim, the worst first; empty if that was not read
  std::array<uint64_t, kWaitReasons> unattributed_interrupts{};  ///< of vCPUs of nobody known
  DepartedFlow departed;
  std::vector<Durations> exit_durations;  ///< by folded_exit() place, host-wide
  Durations wakeup_latencies;             ///< of vCPUs, live and departed
  WaitsByReason wait_durations{};         ///< the same
  bool tells_irq = false;                 ///< FLOW_CULPRIT_IRQ is told from the others
  LedgerHealth health;
  std::vector<ProgramFlow> programs;
  std::vector<MapReading> maps;
  std::vector<SlotKey> recyclable;      ///< read for the last time: may be given to other vCPUs
  std::vector<nested_key> forgettable;  ///< nested vCPUs that need not be kept
  AgentFlow agent;
  TraceFlow trace;  ///< filled in by the agent, too
  WebFlow web;      ///< the same
  PageFlow page;    ///< filled in by what makes the page
};

}  // namespace vmflow
