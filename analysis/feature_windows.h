// SPDX-License-Identifier: GPL-2.0-only
// From a trace's replay to features of its windows: times from the intervals that the replay has
// drawn, clipped to each window, counts from what it had counted at each border.
#pragma once

#include <string>
#include <vector>

#include "analysis/feature_catalog.h"
#include "analysis/flow_replay_result.h"
#include "analysis/replay_report.h"

namespace vmflow {

/// Units: `every_ns` as it was ReplayOptions::count_every_ns; `epoch_ns` is what must be added to
/// the trace's clock to get Unix time.
struct FeatureWindows {
  uint64_t every_ns = 0;
  int64_t epoch_ns = 0;
  std::string host;
};

/// One VM in one window, before it is divided.
struct WindowedSums {
  VmKey vm;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  FeatureSums sums;
};

constexpr uint64_t kMostWindows = 10'000;

/// The windows follow one another from the first event on; each is from its beginning until before
/// its end, the last one with its end. One at the end that is shorter than half of the others is
/// left out, unless it is the only one.
/// Shape: an interval gives each window its part. A wait counts once, where it ends, and its reason
///        is known before: each window has the time of its part. Where nothing ended it in the
///        trace it has no reason. What no event of the trace tells is NaN: disks, networks, and
///        what is not in its vocabulary. VMs without time in a window have no row there. Windows
///        after kMostWindows are left out.
std::vector<WindowedSums> windowed_sums(const ReplayResult& replay, uint64_t every_ns);

/// The same as a table; VMs have the labels and names of `identities`.
FeatureTable feature_table(const ReplayResult& replay, const IdentitiesByProcess& identities,
                           const FeatureWindows& windows);

}  // namespace vmflow
