// SPDX-License-Identifier: GPL-2.0-only
// What vmflow doctor prints.
#pragma once

#include <string>

#include "agent/cli/doctor_check.h"

namespace vmflow {

struct DoctorLayout {
  size_t width = 80;  ///< cells of a line; a remedy is never broken
  bool colour = false;
  bool only_problems = false;
};

/// A sentence, then the rows by group, under each that is not well why it matters and the remedy.
/// Shape: what a file or an agent wrote is cut, and fit to be shown.
std::string doctor_text(const std::vector<CheckResult>& results, const DoctorLayout& layout);

/// Shape: {"schema": "vmflow_doctor", "version": 1, "fit", "sentence", "checks": [{"id", "group",
/// "title", "need", "state", "found", "why", "remedy"}]}; remedy is null where there is none.
std::string doctor_json(const std::vector<CheckResult>& results);

}  // namespace vmflow
