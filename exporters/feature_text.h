// SPDX-License-Identifier: GPL-2.0-only
// A table of features as CSV or JSON, and the list of them as people read it.
#pragma once

#include <string>

#include "analysis/feature_catalog.h"

namespace vmflow {

/// Shape: RFC 4180, lines end in a line feed alone; `host,vm,name,begin_seconds,end_seconds` and
/// the columns; an empty cell is not known. Numbers are such that they can be read back exactly.
std::string feature_csv(const FeatureTable& table);

/// Shape: {"schema": "vmflow_features", "version": 1, "columns", "rows"}; null is not known. Bytes
/// that are no UTF-8 are replaced.
std::string feature_json(const FeatureTable& table);

/// Each feature of the catalog: its name, unit, meaning and PromQL.
std::string feature_list();

}  // namespace vmflow
