// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/nested_life.h"

namespace vmflow {

/// The vCPUs of a VM's guests, as an array; those that were seen first come first.
/// Units: seconds. Shape: at most 256 of them.
nlohmann::ordered_json nested_json(const VmNested& nested);

}  // namespace vmflow
