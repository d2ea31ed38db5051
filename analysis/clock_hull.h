// SPDX-License-Identifier: GPL-2.0-only
// Which straight lines can be what one clock shows against another: those below every packet that
// went one way and above every one that came back. Of all those packets only the corners of two
// convex hulls matter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vmflow {

/// Units: nanoseconds from a base that the caller has chosen; both within kMostHullNs of it.
/// Shape: `x` is the time of clock A, `z` how much more clock B showed.
struct HullPoint {
  int64_t x = 0;
  int64_t z = 0;
};

/// So that products of differences are exact in 128 bits.
constexpr int64_t kMostHullNs = int64_t{1} << 61;

/// No two clocks of computers drift apart faster. Source: the kernel's clock is slewed by 500 ppm
/// at most (kernel/time/ntp.c, MAXFREQ).
constexpr double kMostDrift = 1e-3;

/// The lower corners of the points' hull, or the upper ones; places in `points`, by x.
/// Shape:  `points` by x; of those at one x the one that bounds. Points whose `left_out` is true
///         are not there.
std::vector<uint32_t> hull_of(std::span<const HullPoint> points, const std::vector<bool>& left_out,
                              bool upper);

/// What the lines may be at some times. Units: nanoseconds of z.
struct LineBounds {
  long double low = 0;
  long double high = 0;
};

/// All lines z = drift * x + c that lie nowhere above `ceiling` and nowhere below `floor`.
/// Shape: `ceiling` are corners of a lower hull, `floor` of an upper one, neither empty, by x.
class FeasibleLines {
 public:
  FeasibleLines(std::vector<HullPoint> ceiling, std::vector<HullPoint> floor);

  bool is_empty() const { return !(gap_ >= 0); }
  /// Of empty ones the drift at which least is missing: the corners that bound there contradict
  /// one another. Else one at which the hulls are furthest apart.
  double best_drift() const { return static_cast<double>(best_); }
  /// Places of the corners that bound a line of best_drift(), two at most of each hull.
  std::vector<uint32_t> bounding_ceiling() const;
  std::vector<uint32_t> bounding_floor() const;
  double least_drift() const { return static_cast<double>(drifts_.low); }
  double most_drift() const { return static_cast<double>(drifts_.high); }

  /// Shape: not of empty ones.
  LineBounds at(int64_t x) const;

 private:
  struct Gap {
    long double drift, low, high;
    long double width() const { return high - low; }
  };
  Gap gap_at(long double drift) const;
  void find_feasible(const std::vector<Gap>& gaps);

  std::vector<HullPoint> ceiling_, floor_;
  std::vector<Gap> corners_;  ///< of what is feasible, in the plane of drifts and constants
  LineBounds drifts_;
  long double best_ = 0;
  long double gap_ = 0;
};

}  // namespace vmflow
