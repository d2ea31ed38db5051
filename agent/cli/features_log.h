// SPDX-License-Identifier: GPL-2.0-only
// Features from what `vmflow log --json` has written: shares, the waits that it tells, and exits.
#pragma once

#include <string>
#include <string_view>

#include "agent/cli/features_live.h"

namespace vmflow {

/// Shape:  a row for each VM and look, or for each `every_seconds` if that is not 0; the first look
///         of a VM only tells where its first window begins. `host` is said of all of them. Lines
///         that are none of the log's are left out and noted.
/// Errors: no line is one of the log's, or no VM has two looks.
Result<FeatureReading> features_of_log(std::string_view log, const std::string& host,
                                       double every_seconds);

}  // namespace vmflow
