// SPDX-License-Identifier: GPL-2.0-only
// What sets a group of VMs apart, who of them is far from it, and both in words. Inside clusters
// only.
#pragma once

#include <string>
#include <vector>

#include "analysis/clusters.h"

namespace vmflow {

/// Contrasts, by all columns, cause and sentence of every group, and its outliers, by the columns
/// that are used. Shape: sets `distance` too.
void describe_clusters(Clusters& clusters);

/// "more disk wait, less asleep": what a direction among the used columns is made of.
std::string direction_words(const Clusters& clusters, const std::vector<double>& direction);

}  // namespace vmflow
