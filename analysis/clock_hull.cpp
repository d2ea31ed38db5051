// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/clock_hull.h"

#include <algorithm>
#include <utility>

namespace vmflow {
namespace {

/// Above 0: `b` lies below the line from `a` to `c`.
__int128 below_line(const HullPoint& a, const HullPoint& b, const HullPoint& c) {
  return __int128{b.x - a.x} * (c.z - a.z) - __int128{b.z - a.z} * (c.x - a.x);
}

long double slope(const HullPoint& a, const HullPoint& b) {
  return static_cast<long double>(b.z - a.z) / static_cast<long double>(b.x - a.x);
}

long double constant_of(const HullPoint& point, long double drift) {
  return static_cast<long double>(point.z) - drift * static_cast<long double>(point.x);
}

/// The corner at which a line of this drift touches: the first whose edge to the next one is not
/// before it in the order of slopes.
uint32_t touched(const std::vector<HullPoint>& corners, long double drift, bool upper) {
  size_t low = 0, high = corners.size() - 1;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const auto edge = slope(corners[middle], corners[middle + 1]);
    if (upper ? edge > drift : edge < drift)
      low = middle + 1;
    else
      high = middle;
  }
  return static_cast<uint32_t>(low);
}

std::vector<uint32_t> all_touched(const std::vector<HullPoint>& corners, long double drift,
                                  bool upper) {
  const auto first = touched(corners, drift, upper);
  const bool is_edge =
      first + 1 < corners.size() && slope(corners[first], corners[first + 1]) == drift;
  return is_edge ? std::vector{first, first + 1} : std::vector{first};
}

void add_slopes(const std::vector<HullPoint>& corners, std::vector<long double>& slopes) {
  for (size_t i = 1; i < corners.size(); i++) {
    const auto edge = slope(corners[i - 1], corners[i]);
    if (edge > -kMostDrift && edge < kMostDrift) slopes.push_back(edge);
  }
}

}  // namespace

std::vector<uint32_t> hull_of(std::span<const HullPoint> points, const std::vector<bool>& left_out,
                              bool upper) {
  std::vector<uint32_t> corners;
  const auto is_in_the_way = [&](uint32_t middle, uint32_t next) {
    const auto& a = points[corners[corners.size() - 2]];
    const auto side = below_line(a, points[middle], points[next]);
    return upper ? side >= 0 : side <= 0;
  };
  for (uint32_t i = 0; i < points.size(); i++) {
    if (left_out[i]) continue;
    if (!corners.empty() && points[corners.back()].x == points[i].x) {
      const bool bounds_more =
          upper ? points[i].z > points[corners.back()].z : points[i].z < points[corners.back()].z;
      if (!bounds_more) continue;
      corners.pop_back();
    }
    while (corners.size() >= 2 && is_in_the_way(corners.back(), i)) corners.pop_back();
    corners.push_back(i);
  }
  return corners;
}

// Of one drift the constants between the two hulls are feasible. How many those are is a concave
// function of the drift that is straight between the slopes of the hulls' edges: so what is
// feasible is a polygon, and its corners are at those slopes and where the function is 0.
FeasibleLines::FeasibleLines(std::vector<HullPoint> ceiling, std::vector<HullPoint> floor)
    : ceiling_(std::move(ceiling)), floor_(std::move(floor)) {
  std::vector<long double> drifts{-kMostDrift, kMostDrift};
  add_slopes(ceiling_, drifts);
  add_slopes(floor_, drifts);
  std::ranges::sort(drifts);
  std::vector<Gap> gaps;
  for (const auto drift : drifts) gaps.push_back(gap_at(drift));
  const auto widest = std::ranges::max_element(gaps, {}, &Gap::width);
  best_ = widest->drift;
  gap_ = widest->width();
  if (!is_empty()) find_feasible(gaps);
}

FeasibleLines::Gap FeasibleLines::gap_at(long double drift) const {
  return {drift, constant_of(floor_[touched(floor_, drift, true)], drift),
          constant_of(ceiling_[touched(ceiling_, drift, false)], drift)};
}

std::vector<uint32_t> FeasibleLines::bounding_ceiling() const {
  return all_touched(ceiling_, best_, false);
}

std::vector<uint32_t> FeasibleLines::bounding_floor() const {
  return all_touched(floor_, best_, true);
}

void FeasibleLines::find_feasible(const std::vector<Gap>& gaps) {
  const auto zero_between = [&](const Gap& a, const Gap& b) {
    const auto part = a.width() / (a.width() - b.width());
    return gap_at(a.drift + part * (b.drift - a.drift));
  };
  for (size_t i = 0; i < gaps.size(); i++) {
    const bool is_in = gaps[i].width() >= 0;
    if (i > 0 && is_in != (gaps[i - 1].width() >= 0))
      corners_.push_back(zero_between(gaps[i - 1], gaps[i]));
    if (is_in) corners_.push_back(gaps[i]);
  }
  drifts_ = {corners_.front().drift, corners_.back().drift};
}

LineBounds FeasibleLines::at(int64_t x) const {
  const auto wide = static_cast<long double>(x);
  LineBounds bounds{corners_[0].drift * wide + corners_[0].low,
                    corners_[0].drift * wide + corners_[0].high};
  for (const auto& corner : corners_) {
    bounds.low = std::min(bounds.low, corner.drift * wide + corner.low);
    bounds.high = std::max(bounds.high, corner.drift * wide + corner.high);
  }
  return bounds;
}

}  // namespace vmflow
