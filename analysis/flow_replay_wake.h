// SPDX-License-Identifier: GPL-2.0-only
// What ended a halt: twin of bpf/wake.bpf.h. Inside flow_replay only.
#pragma once

#include "analysis/flow_replay_book.h"

namespace vmflow {

void replay_accept(ReplayBook& book, const Event& event, const AcceptEvent& accept);
void replay_route(ReplayBook& book, const Event& event);
void replay_page_ready(ReplayBook& book, const Event& event);
void replay_irq(ReplayBook& book, const Event& event, const IrqEvent& irq);
/// `is_told`: a WakeEvent tells more of the same wake-up.
void replay_waking(ReplayBook& book, const Event& event, const WakingEvent& waking, bool is_told);
void replay_wake(ReplayBook& book, const Event& event, const WakeEvent& wake);

}  // namespace vmflow
