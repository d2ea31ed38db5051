// SPDX-License-Identifier: GPL-2.0-only
// KVM's events of a vCPU: twin of bpf/kvm.bpf.h and bpf/nested.bpf.h. Inside flow_replay only.
#pragma once

#include "analysis/flow_replay_book.h"

namespace vmflow {

void replay_entry(ReplayBook& book, const Event& event, const EntryEvent& entry);
void replay_exit(ReplayBook& book, const Event& event, const ExitEvent& exit);
void replay_userspace_exit(ReplayBook& book, const Event& event, const UserspaceExitEvent& exit);
void replay_run(ReplayBook& book, const Event& event);
void replay_halt_end(ReplayBook& book, const Event& event, const HaltEndEvent& end);
void replay_nested_enter(ReplayBook& book, const Event& event, const NestedEnterEvent& enter);
void replay_nested_exit(ReplayBook& book, const Event& event);
void replay_nested_reflect(ReplayBook& book, const Event& event, const NestedReflectEvent& reflect);

}  // namespace vmflow
