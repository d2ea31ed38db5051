// SPDX-License-Identifier: GPL-2.0-only
// From what a source has read to what every exporter shows.
#pragma once

#include "analysis/carry.h"
#include "analysis/flow_model.h"
#include "analysis/snapshot.h"

namespace vmflow {

struct Built {
  FlowModel model;
  Carry carry;  ///< for the next build
};

/// The model at `snapshot.now_ns`, on top of what `previous` has reported.
/// Shape:  no counter of the model is below the one in the model before, per VM label and for live
///         and departed VMs together; what ended is counted once and then listed as recyclable.
/// Errors: none; contradictions are counted in `model.health`.
Built build_model(const Snapshot& snapshot, Carry previous);

}  // namespace vmflow
