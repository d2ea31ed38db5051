// SPDX-License-Identifier: GPL-2.0-only
// What kinds of load there are among VMs: groups of VMs that behave alike, and in which words each
// differs from the others.
//
// One-shot: all features at once. Two-stage: first by waits and states, then within each of these
// groups by exits, so that what a VM waits for outweighs how it uses its host.
// Source: thesis, chapter on workload characterisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/feature_points.h"
#include "analysis/feature_table.h"
#include "analysis/group_choice.h"

namespace vmflow {

/// Shape: patterns are names of columns in which "*" stands for anything; without `coarse` a single
/// stage takes all columns.
struct ClusterOptions {
  uint32_t stages = 1;
  std::optional<uint32_t> groups = std::nullopt;  ///< of the first stage; absent: chosen
  uint32_t most_groups = 8;                       ///< of each stage, where chosen
  uint64_t seed = 1;
  std::vector<std::string> coarse{};
  std::vector<std::string> fine{};
  bool each_window = false;
};

/// How one stage came to its groups. Shape: `within` is the group that it split, empty: all.
struct ClusterStage {
  std::string within;
  size_t rows = 0;
  size_t columns = 0;
  GroupChoice choice;
};

/// A feature of a group, beside the other groups. Shape: both are medians; `others` is absent if
/// there is no other group; `apart` is their distance in scaled units by what they scatter, above 0
/// if the group has more.
struct FeatureContrast {
  size_t column = 0;
  double here = 0;
  std::optional<double> others;
  double apart = 0;
};

/// A row far from its group's centre. Shape: `times` as far as its group's median; `column` is what
/// it differs in most.
struct ClusterOutlier {
  size_t row = 0;
  double times = 0;
  size_t column = 0;
  double group_value = 0;  ///< the group's median of that column
};

struct VmCluster {
  std::string id;        ///< "2", of the second stage "2.1"
  std::string cause;     ///< "disk-bound"; "ordinary" if nothing speaks for a cause
  std::string sentence;  ///< "disk-bound, 3 VMs: 71 % disk wait (others 2 %)"
  std::vector<size_t> rows;
  std::vector<FeatureContrast> contrasts;  ///< what sets it apart, most first
  std::vector<ClusterOutlier> outliers;    ///< the farthest first
};

/// All rows in a plane. Shape: by row; the words say what the axes are mostly made of.
struct ClusterPlot {
  std::vector<double> x, y;
  double x_share = 0, y_share = 0;  ///< of all differences
  std::string x_words, y_words;
};

/// Shape: rows and places of columns are those of `table`, which has a row for each VM, or for each
/// window, and no unknown values; `used` are the columns by which they were grouped, which are all
/// that distances and the plot know.
struct Clusters {
  std::string problem;  ///< one sentence; empty: there is none, and the rest is filled
  FeatureTable table;
  std::vector<size_t> used;
  bool each_window = false;
  uint64_t seed = 0;
  std::vector<DroppedColumn> dropped;
  std::vector<std::string> notes;
  std::vector<ClusterStage> stages;
  std::vector<VmCluster> clusters;
  std::vector<uint32_t> cluster_of;  ///< by row, a place in `clusters`
  std::vector<double> distance;      ///< by row, from its group's centre
  ClusterPlot plot;
};

/// Errors: Clusters::problem, for a table without rows or with one, without the columns that a
/// stage wants, without any that differs, and for options that contradict each other.
Clusters cluster_vms(const FeatureTable& table, const ClusterOptions& options);

}  // namespace vmflow
