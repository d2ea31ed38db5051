// SPDX-License-Identifier: GPL-2.0-only
// What a VM has done lately as JSON: a word, and what speaks for it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analysis/vm_use.h"

namespace vmflow {

/// "kind" (vm_use_name()), "sentence", "window_seconds"; of one that was seen for long enough
/// "most_vcpus" and "unused_vcpus".
nlohmann::ordered_json use_json(const VmUse& use);

}  // namespace vmflow
