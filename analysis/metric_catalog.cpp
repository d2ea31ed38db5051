// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/metric_catalog.h"

#include "analysis/metric_texts.h"

namespace vmflow {

std::span<const Metric> metric_catalog() {
  static const std::vector<Metric> catalog = [] {
    auto rows = vm_metrics();
    const auto agent = agent_metrics();
    rows.insert(rows.end(), agent.begin(), agent.end());
    return rows;
  }();
  return catalog;
}

}  // namespace vmflow
