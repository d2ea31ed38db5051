// SPDX-License-Identifier: GPL-2.0-only
// From the books of a replay to what it comes to. Inside flow_replay only.
#pragma once

#include "analysis/flow_replay_book.h"

namespace vmflow {

ReplayResult replay_totals(ReplayBook book);

/// Notes what has been counted so far: another window has ended.
void note_counts(ReplayBook& book);

}  // namespace vmflow
