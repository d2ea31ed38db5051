// SPDX-License-Identifier: GPL-2.0-only
// The scheduler's events: twin of bpf/sched.bpf.h. Inside flow_replay only.
#pragma once

#include "analysis/flow_replay_book.h"

namespace vmflow {

/// An event and what it tells; both null if there is none.
template <typename Data>
struct ReplayTold {
  const Event* event = nullptr;
  const Data* data = nullptr;
};

/// A CPU changes hands. `out` and `in`: what the kernel side has decided at it.
void replay_switch(ReplayBook& book, const Event& event, const SwitchEvent& change,
                   ReplayTold<VcpuOutEvent> out, ReplayTold<VcpuInEvent> in);
/// The same without the event of the switch itself.
void replay_out(ReplayBook& book, const Event& event, const VcpuOutEvent& out);
void replay_in(ReplayBook& book, const Event& event, const VcpuInEvent& in);
void replay_migrate(ReplayBook& book, const Event& event, const MigrateEvent& move);
void replay_thread_exit(ReplayBook& book, const Event& event, const ThreadExitEvent& end);

}  // namespace vmflow
