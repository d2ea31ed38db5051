// SPDX-License-Identifier: GPL-2.0-only
// What vmflow vms prints.
#pragma once

#include <string>

#include "agent/cli/vms_look.h"

namespace vmflow {

/// One line for each VM: label, name, process, vCPUs, since when, use, cause, sentence.
/// Shape: aligned columns, the sentence last and whole; names are fit to be shown.
std::string vms_text(const VmsLook& look);

/// The same as one JSON array. Shape: null where the agent says nothing; names as they are.
std::string vms_json(const VmsLook& look);

}  // namespace vmflow
