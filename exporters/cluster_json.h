// SPDX-License-Identifier: GPL-2.0-only
// Groups of VMs as JSON, for programs.
#pragma once

#include <string>

#include "analysis/clusters.h"

namespace vmflow {

/// It rises when a field changes its meaning or goes.
constexpr int kClustersVersion = 1;

/// The schema "vmflow_clusters". Units: of features as their columns say; distances are in scaled
/// units. Shape: `clusters` as in the text, each with all its rows; `others` is null where there is
/// no other group. `all` has no problem.
/// Errors: none; bytes that are no UTF-8 are replaced.
std::string clusters_json(const Clusters& all);

}  // namespace vmflow
