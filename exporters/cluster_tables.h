// SPDX-License-Identifier: GPL-2.0-only
// What is to be said of groups of VMs, the same for a terminal and for a page.
#pragma once

#include <string>
#include <vector>

#include "analysis/clusters.h"
#include "exporters/report_tables.h"

namespace vmflow {

/// "12 VMs fall into 3 groups, by 38 features."
std::string clusters_finding(const Clusters& all);

/// "Group 1: disk-bound, 3 VMs: …"
std::string cluster_title(const VmCluster& cluster);

/// What a row is called: its VM's name, or label, with its host if there are several, with its time
/// if rows are windows.
std::string row_name(const Clusters& all, size_t row);

/// What sets the group apart from the others, or what it has much of if there are none.
ReportTable contrasts_table(const Clusters& all, const VmCluster& cluster);

/// Rows that are far from the group's centre.
ReportTable outliers_table(const Clusters& all, const VmCluster& cluster);

/// "a, b, c and 12 more": the nearest to the centre first.
std::string members_text(const Clusters& all, const VmCluster& cluster, size_t most);

/// How the groups were found.
ReportTable stages_table(const Clusters& all);
ReportTable dropped_table(const Clusters& all);

}  // namespace vmflow
