// SPDX-License-Identifier: GPL-2.0-only
// Groups of VMs as points in a drawing.
#pragma once

#include <string>

#include "analysis/clusters.h"

namespace vmflow {

/// An SVG with a point for each row, its group's colour and shape, and its name when pointed at; of
/// many rows a part, and all outliers and small groups. Shape: fit to stand in a page.
std::string clusters_plot(const Clusters& all);

/// "group-0" to "group-7": how a group's points are coloured; the ninth as the first.
std::string cluster_class(size_t cluster);

/// A group's point alone, for the key.
std::string cluster_mark(size_t cluster);

}  // namespace vmflow
