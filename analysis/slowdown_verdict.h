// SPDX-License-Identifier: GPL-2.0-only
// Which cause slows a VM down now, with the seconds that say so and the second-best cause.
#pragma once

#include <string>
#include <vector>

#include "analysis/flow_model.h"
#include "analysis/slowdown_ranking.h"

namespace vmflow {

struct SlowdownVerdict : SlowdownRanking {
  std::vector<CulpritFlow> culprits;  ///< who had its CPU in the window, the worst first
  std::string sentence;
};

/// See slowdown_ranking().
/// Units:  the last minute, see SlowdownWindow. `model` is the VM's, with its culprits.
/// Errors: none; of a VM that was seen for less than three seconds nothing is known.
SlowdownVerdict slowdown_verdict(const VmFlow& vm, const FlowModel& model);

}  // namespace vmflow
