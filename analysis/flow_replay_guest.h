// SPDX-License-Identifier: GPL-2.0-only
// What a trace tells of the guest itself: its registers at exits, and which interrupts it was
// given. Inside flow_replay only.
#pragma once

#include "analysis/flow_replay_book.h"

namespace vmflow {

void replay_registers(ReplayBook& book, const Event& event, const RegistersEvent& registers);

/// An interrupt for `vcpu`. Shape: what is too much to keep is counted.
void note_interrupt(ReplayBook& book, ReplayVcpu& vcpu, const GivenInterrupt& interrupt);

/// What becomes of the guests of its VM. Shape: the same.
void note_nested(ReplayBook& book, ReplayVcpu& vcpu, const NestedChange& change);

/// The vCPU that an accepted interrupt is for; null if nothing tells its VM.
ReplayVcpu* accepting_vcpu(ReplayBook& book, const ReplayContext& giver, const AcceptEvent& accept);

}  // namespace vmflow
