// SPDX-License-Identifier: GPL-2.0-only
// A small model in which every metric of the catalog has a series.
#pragma once

#include "analysis/flow_model.h"

namespace vmflow::test {

/// A host with an AMD CPU and one VM of one vCPU, all in round numbers.
FlowModel hand_made_model();

}  // namespace vmflow::test
