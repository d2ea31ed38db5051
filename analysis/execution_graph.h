// SPDX-License-Identifier: GPL-2.0-only
// Who did what when, and who waited for whom: workers, each with a chain of stretches. A worker is
// a vCPU, a guest process, a vhost worker, a thread of a VMM, or any other task of the host.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/event.h"
#include "analysis/guest_spans.h"
#include "analysis/snapshot.h"

namespace vmflow {

enum class WorkerKind : uint8_t { kVcpu, kProcess, kVhost, kVmm, kHostTask };
constexpr uint32_t kNoWorker = ~uint32_t{0};

/// Shape: `vm.tgid` 0: it works for no VM. A guest process has no thread of the host.
struct Worker {
  WorkerKind kind = WorkerKind::kHostTask;
  uint32_t host = 0;  ///< of the graph that it comes from; the host that is analysed is 0
  VmKey vm = {};
  uint32_t vcpu_id = 0;          ///< of a vCPU
  GuestProcessKey process = {};  ///< of a guest process
  uint32_t tid = 0;
  Comm comm{};
};

/// A closed set; kUnknown is an answer. From kTimer on the worker is blocked, named after what it
/// waits for.
enum class Doing : uint8_t {
  kRunning,
  kReady,      ///< it could run, and another one has its CPU or its vCPU
  kThrottled,  ///< its cgroup's quota is used up
  kTimer,
  kDisk,
  kNet,
  kTask,
  kMemory,
  kVmm,    ///< a device that the VMM emulates, or a lock of the VMM
  kOther,  ///< passed-through devices, stopped threads
  kUnknown,
};
constexpr uint32_t kDoings = 11;

std::string_view doing_name(Doing doing);
/// What a reader is told that it means.
std::string_view doing_meaning(Doing doing);
constexpr bool is_blocked(Doing doing) {
  return doing >= Doing::kTimer;
}

/// Units: the clock of the window. Shape: `by` is a place in ExecutionGraph::workers: of ready time
/// who had the CPU, of blocked time who ended it, at `wake_ns` on its own chain, which on another
/// host is before the end. kNoWorker: not told, or an interrupt of the host. `wake_cpu` is the CPU
/// of the worker's host on which it was woken.
struct WorkStretch {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint64_t wake_ns = 0;
  uint32_t by = kNoWorker;
  Doing doing = Doing::kUnknown;
  uint8_t level = 0;  ///< of running time: 0 the host, 1 the VM, 2 and more its own guests
  uint16_t wake_cpu = kNoCpu;
};

/// One worker made another one able to run.
struct WakeUp {
  uint64_t ns = 0;
  uint32_t from = kNoWorker;
  uint32_t to = kNoWorker;
  bool operator==(const WakeUp&) const = default;
};

/// Shape: `chains[i]` is of `workers[i]`: stretches that do not overlap, the oldest first; what
/// lies between them is not known.
struct ExecutionGraph {
  std::vector<Worker> workers;
  std::vector<std::vector<WorkStretch>> chains;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
};

/// All wake-ups of a graph that link two of its workers, by time.
std::vector<WakeUp> wake_ups(const ExecutionGraph& graph);

/// Adds the workers of another host, whose clock is already that of `graph`: their places move up
/// by as many workers as `graph` had.
void add_host(ExecutionGraph& graph, ExecutionGraph other, uint32_t host);

/// The worker of a VM that matters most: the guest process that ran longest, or without registers
/// the vCPU that wanted to run longest. kNoWorker: the VM has none.
uint32_t main_worker(const ExecutionGraph& graph, VmKey vm, uint32_t host = 0);

}  // namespace vmflow
