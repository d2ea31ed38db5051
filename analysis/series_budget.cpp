// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/series_budget.h"

#include <algorithm>
#include <numeric>

namespace vmflow {

uint64_t series_of(const Metric& metric, uint64_t samples) {
  return samples * (metric.kind == MetricKind::kHistogram ? metric.bounds.size() + 3 : 1);
}

std::vector<bool> left_out(std::span<const SeriesWish> wishes, uint64_t limit,
                           const std::vector<bool>& before) {
  std::vector<size_t> order(wishes.size());
  std::iota(order.rbegin(), order.rend(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return wishes[i].detail; });
  // Up to the coarsest that was left out, more must be free.
  const auto was_out = [&](size_t i) { return i < before.size() && before[i]; };
  const auto coarsest = std::find_if(order.rbegin(), order.rend(), was_out).base();
  uint64_t total = 0;
  for (const auto& wish : wishes) total += wish.series;
  std::vector<bool> out(wishes.size());
  for (auto i = order.begin(); i != order.end(); ++i) {
    const auto& wish = wishes[*i];
    if (wish.detail == MetricDetail::kAlways) break;
    if (total <= (i < coarsest ? limit - limit / 10 : limit)) break;
    if (wish.series <= 1) continue;
    out[*i] = true;
    total -= wish.series - 1;
  }
  return out;
}

}  // namespace vmflow
