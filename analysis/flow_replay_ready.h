// SPDX-License-Identifier: GPL-2.0-only
// Who holds the CPU while a vCPU is ready: twin of bpf/ready.bpf.h. Inside flow_replay only.
#pragma once

#include "analysis/flow_replay_book.h"

namespace vmflow {

/// What is known of who held a CPU. Shape: `kind` is as a VM that is no part of it sees it.
struct ReplayCulpritSeen {
  flow_culprit kind = FLOW_CULPRIT_UNKNOWN;
  uint32_t vcpu = 0;  ///< its number; 0: no vCPU
  VmKey vm;
  uint32_t tid = 0;
  Comm comm{};
  uint64_t since_ns = 0;  ///< it has had the CPU since then
};

/// By its name and its process, since no trace flags them: a kernel's own thread, whoever works on
/// it.
bool is_kernel_thread(const ReplayBook& book, uint32_t tid, uint32_t tgid, const Comm& comm);

ReplayCulpritSeen describe(ReplayBook& book, const ReplayHolder& holder);
flow_culprit culprit_for(const ReplayCulpritSeen& seen, const ReplayVcpu& victim);

void list_waiter(ReplayBook& book, ReplayCpu& cpu, ReplayVcpu& vcpu);
void unlist_waiter(ReplayBook& book, ReplayVcpu& vcpu);

/// A sleeper that was woken waits since then.
void begin_woken_wait(ReplayBook& book, ReplayVcpu& vcpu);
/// The time that the vCPU has waited at `cpu` since it was last asked was the fault of `seen`.
void blame_for(ReplayBook& book, ReplayVcpu& vcpu, const ReplayCulpritSeen& seen, uint64_t ns,
               bool throttled);
/// Whoever had `cpu` until `ns` is the culprit of those who waited for it; `next` does so no longer
/// since `next_ns`.
void tell_waiters(ReplayBook& book, ReplayCpu& cpu, const ReplayCulpritSeen& seen, ReplayVcpu* next,
                  uint64_t next_ns, uint64_t ns);

}  // namespace vmflow
