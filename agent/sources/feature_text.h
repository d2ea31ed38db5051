// SPDX-License-Identifier: GPL-2.0-only
// The two formats of feature tables, and what both refuse. Inside feature_file only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/result.h"
#include "agent/sources/feature_file.h"
#include "analysis/feature_table.h"

namespace vmflow {

/// Beyond these a number is a mistake, and sums of them would not be finite.
constexpr double kLargestFeature = 1e30;

/// A name as it stands in a message: in one line, cut, quoted.
std::string quoted_name(std::string_view name);

/// "" if a table may have these columns: some, not too many, each with a name of its own.
std::string columns_problem(const std::vector<FeatureColumn>& columns,
                            const FeatureFileLimits& limits);

/// "" if the number may stand there.
std::string number_problem(double number);

/// Errors: a sentence without the source's name.
Result<FeatureTable> parse_feature_csv(std::string_view text, const FeatureFileLimits& limits);
Result<FeatureTable> parse_feature_json(std::string_view text, const FeatureFileLimits& limits);

}  // namespace vmflow
