// SPDX-License-Identifier: GPL-2.0-only
// Which metrics a page with too many series leaves out: whole ones, so that sums over their labels
// stay right.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/metric_catalog.h"

namespace vmflow {

/// A metric that a page would show, and its series there.
struct SeriesWish {
  MetricDetail detail = MetricDetail::kAlways;
  uint64_t series = 0;
};

/// As Prometheus counts: of a histogram each bucket, the sum and the count.
uint64_t series_of(const Metric& metric, uint64_t samples);

/// Which of `wishes` are left out for the rest to have no more than `limit` series, one series told
/// for each of these: the finest detail first and of that the last. Those of kAlways stay, whatever
/// they come to. One that `before` left out comes back only once a tenth of `limit` would still be
/// free, so that a page does not flicker. Shape: as `wishes`; `before` may be empty.
std::vector<bool> left_out(std::span<const SeriesWish> wishes, uint64_t limit,
                           const std::vector<bool>& before);

}  // namespace vmflow
