// SPDX-License-Identifier: GPL-2.0-only
// Rules as the settings file has them.
#pragma once

#include <string>
#include <vector>

#include "agent/result.h"
#include "analysis/anomaly_rule.h"

namespace vmflow {

/// Rules from the text of a JSON list: after the default ones, or alone. One with the name of an
/// earlier rule changes what it names of that one.
/// Errors: which rule, which field, what is wrong, in one line.
Result<std::vector<Rule>> rules_of(const std::string& json, bool with_defaults);

}  // namespace vmflow
