// SPDX-License-Identifier: GPL-2.0-only
// Features of the VMs of any number of hosts, for any time, from what a Prometheus has stored.
#pragma once

#include "agent/cli/features_live.h"

namespace vmflow {

/// Windows one after the other. Units: Unix seconds.
struct FeatureRange {
  double from_seconds = 0;
  double to_seconds = 0;
  double every_seconds = 0;

  uint64_t windows() const;
};

/// A row holds what memory allows; more is an error.
constexpr uint64_t kMostFeatureRows = 200'000;

/// Asks for the increase of each counter in each window, by instance and VM.
/// Shape:  `host` is the label instance. A metric that is not there, or whose query fails, leaves
///         its features unknown and a note behind; the latter makes the reading partial.
/// Errors: no answer at all, no VM in that time, more rows than can be kept.
Result<FeatureReading> features_of_prometheus(AgentClient& prometheus, const FeatureRange& range);

}  // namespace vmflow
