// SPDX-License-Identifier: GPL-2.0-only
// What the agent itself uses.
#pragma once

#include "analysis/flow_model.h"

namespace vmflow {

/// The process_* metrics. Errors: none; what cannot be read is 0.
ProcessFlow read_own_process();

}  // namespace vmflow
