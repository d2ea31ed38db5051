// SPDX-License-Identifier: GPL-2.0-only
// What a critical path is mostly made of, in one sentence.
#pragma once

#include <string>

#include "analysis/path_report.h"

namespace vmflow {

/// "vCPU 0 of client waits 62 % of the 5.00 s for server's disk, runs 20 % itself."
std::string path_sentence(const ReportPath& path);

}  // namespace vmflow
