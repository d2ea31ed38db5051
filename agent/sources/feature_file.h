// SPDX-License-Identifier: GPL-2.0-only
// Tables of features, as `vmflow features` or somebody else wrote them: CSV or JSON.
//
// CSV: RFC 4180, the header "host,vm,name,begin_seconds,end_seconds," and the features' names; an
// empty cell is a value that is not known.
// JSON: {"schema": "vmflow_features", "version": 1, "columns": [{"name", "unit", "meaning"}],
// "rows": [{"host", "vm", "name", "begin_seconds", "end_seconds", "values": {NAME: number|null}}]}.
#pragma once

#include <cstddef>
#include <istream>
#include <span>
#include <string>
#include <string_view>

#include "agent/result.h"
#include "analysis/feature_table.h"

namespace vmflow {

/// What is more than these is refused: 10,000 VMs with 60 features have some megabytes.
struct FeatureFileLimits {
  size_t bytes = size_t{128} << 20;
  size_t columns = 512;
  size_t cells = 20'000'000;
};

/// Which of both it is, its first character tells.
/// Errors: one sentence that begins with `source`, what the text is called, for anything that the
/// formats do not allow, a number that is not finite, and more than the limits.
Result<FeatureTable> parse_features(std::string_view text, const std::string& source,
                                    const FeatureFileLimits& limits = {});

/// The rows of all, one after the other; a feature that a file has not is not known there.
/// Shape: without files, or of one called "-", it reads `input`.
/// Errors: as parse_features(), and a file that cannot be read.
Result<FeatureTable> read_features(std::span<const std::string> files, std::istream& input,
                                   const FeatureFileLimits& limits = {});

}  // namespace vmflow
