// SPDX-License-Identifier: GPL-2.0-only
// The rules that watch when nobody has written any, and why each is there.
#pragma once

#include <vector>

#include "analysis/anomaly_rule.h"

namespace vmflow {

std::vector<Rule> default_rules();

}  // namespace vmflow
