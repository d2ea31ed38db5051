// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/clock_alignment.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "analysis/clock_hull.h"

namespace vmflow {
namespace {

using Wide = __int128;

/// Clocks are cut to whole nanoseconds: a difference of two may be wrong by one.
constexpr int64_t kGrainNs = 1;
/// More packets that cannot be are no mistakes: these are no pairs of this link.
constexpr uint64_t kMostContradictingShare = 3;
/// Each round looks at every pair: hostile pairs may not take long.
constexpr uint64_t kMostLooks = 30'000'000;

/// Where the points are counted from: in the middle, so that one wild time does no harm.
struct Base {
  Wide a = 0;
  Wide ahead = 0;
};

template <typename Value>
Wide median(const ClockPairs& pairs, Value value) {
  std::vector<Wide> all;
  for (const auto* list : {&pairs.a_to_b, &pairs.b_to_a})
    for (const auto& pair : *list) all.push_back(value(pair));
  if (all.empty()) return 0;
  std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
  return all[all.size() / 2];
}

bool fits(Wide ns) {
  return ns > -Wide{kMostHullNs} && ns < Wide{kMostHullNs};
}

/// The packets of one direction, by time.
struct Points {
  std::vector<HullPoint> all;
  std::vector<bool> left_out;
  uint64_t impossible = 0;
  bool upper;

  Points(const std::vector<ClockPair>& pairs, const Base& base, bool is_upper) : upper(is_upper) {
    for (const auto& pair : pairs) {
      const Wide ahead = Wide{pair.b_ns} - pair.a_ns;
      const Wide x = Wide{pair.a_ns} - base.a, z = ahead - base.ahead;
      if (fits(ahead) && fits(base.ahead) && fits(x) && fits(z))
        all.push_back(
            {static_cast<int64_t>(x), static_cast<int64_t>(z) + (upper ? -kGrainNs : kGrainNs)});
      else
        impossible++;
    }
    std::ranges::sort(all, {}, [](const HullPoint& p) { return std::tuple(p.x, p.z); });
    left_out.assign(all.size(), false);
  }

  std::vector<uint32_t> corners() const { return hull_of(all, left_out, upper); }

  std::vector<HullPoint> at(const std::vector<uint32_t>& places) const {
    std::vector<HullPoint> points;
    for (const auto i : places) points.push_back(all[i]);
    return points;
  }

  uint64_t used() const { return static_cast<uint64_t>(std::ranges::count(left_out, false)); }
};

// Where no line is possible, those packets that bound the best one contradict one another: one of
// them at least cannot be true. Leaving all of them out (four at most, but for equal ones) leaves
// no false one in, and what is left of the true ones still bounds, if less closely.
std::optional<FeasibleLines> find_lines(Points& ceiling, Points& floor, uint64_t& contradicting) {
  const uint64_t pairs = ceiling.all.size() + floor.all.size();
  const uint64_t most_rounds = std::clamp<uint64_t>(kMostLooks / pairs, 8, 256);
  for (uint64_t round = 0; round < most_rounds; round++) {
    const auto high = ceiling.corners(), low = floor.corners();
    if (high.empty() || low.empty()) return std::nullopt;
    FeasibleLines lines(ceiling.at(high), floor.at(low));
    if (!lines.is_empty()) return lines;
    for (const auto i : lines.bounding_ceiling()) ceiling.left_out[high[i]] = true;
    for (const auto i : lines.bounding_floor()) floor.left_out[low[i]] = true;
    contradicting += lines.bounding_ceiling().size() + lines.bounding_floor().size();
    if (contradicting * kMostContradictingShare > pairs) return std::nullopt;
  }
  return std::nullopt;
}

uint64_t rounded_up(long double ns) {
  // The map's offset is cut to whole nanoseconds.
  return static_cast<uint64_t>(std::ceil(std::max(ns, 0.0L) + 0.5L));
}

class Aligning {
 public:
  Aligning(const ClockPairs& pairs, ClockSpan span)
      : base_{median(pairs, [](const ClockPair& p) { return Wide{p.a_ns}; }),
              median(pairs, [](const ClockPair& p) { return Wide{p.b_ns} - p.a_ns; })},
        ceiling_(pairs.a_to_b, base_, false),
        floor_(pairs.b_to_a, base_, true) {
    result_.impossible = ceiling_.impossible + floor_.impossible;
    widen(span);
  }

  ClockAlignment run() {
    if (ceiling_.all.empty() && floor_.all.empty()) return result_;
    if (ceiling_.all.empty() || floor_.all.empty())
      align_one_way(ceiling_.all.empty() ? floor_ : ceiling_);
    else
      align_both_ways();
    return result_;
  }

 private:
  void widen(ClockSpan span) {
    Wide begin = Wide{span.begin_ns} - base_.a, end = Wide{span.end_ns} - base_.a;
    if (span.end_ns == 0) begin = end = 0;
    for (const auto* points : {&ceiling_, &floor_})
      if (!points->all.empty()) {
        begin = std::min<Wide>(begin, points->all.front().x);
        end = std::max<Wide>(end, points->all.back().x);
      }
    begin_ = static_cast<int64_t>(std::max(begin, -Wide{kMostHullNs}));
    end_ = static_cast<int64_t>(std::min(end, Wide{kMostHullNs}));
    const auto time_of = [&](int64_t x) {
      return static_cast<uint64_t>(std::max<Wide>(base_.a + x, 0));
    };
    result_.span = {time_of(begin_), time_of(end_)};
  }

  void set_line(long double at_begin, long double drift) {
    const auto ahead = base_.ahead + static_cast<Wide>(std::roundl(at_begin));
    result_.map = {.base_ns = result_.span.begin_ns,
                   .offset_ns = static_cast<int64_t>(ahead),
                   .drift = static_cast<double>(drift)};
  }

  // Of all lines that are possible, those at either end of the span lie in an interval: the line
  // through the middles of both is possible itself (a half plane through the middle of a
  // rectangle holds one side of it, which the convex set of lines touches), and no other one has
  // a smaller bound at both ends. In between, how far lines are apart is convex.
  void align_both_ways() {
    const auto lines = find_lines(ceiling_, floor_, result_.contradicting);
    if (!lines) return;
    const auto begin = lines->at(begin_), end = lines->at(end_);
    const auto at_begin = (begin.low + begin.high) / 2, at_end = (end.low + end.high) / 2;
    const long double middle = (lines->least_drift() + lines->most_drift()) / 2;
    const long double drift =
        end_ > begin_ ? (at_end - at_begin) / (static_cast<long double>(end_) - begin_) : middle;
    set_line(at_begin, drift);
    result_.quality = AlignmentQuality::kAccurate;
    result_.bound = AlignmentBound::kBothSides;
    result_.drift_accuracy =
        static_cast<double>(std::max(lines->most_drift() - drift, drift - lines->least_drift()));
    result_.accuracy_begin_ns = rounded_up((begin.high - begin.low) / 2);
    result_.accuracy_end_ns = rounded_up((end.high - end.low) / 2);
    result_.a_to_b = ceiling_.used();
    result_.b_to_a = floor_.used();
  }

  // As if the fastest packets had taken no time. Their drift is believed if they are far enough
  // apart that how much longer one took than the other does not matter.
  void align_one_way(const Points& points) {
    const auto corners = points.at(points.corners());
    const auto middle = begin_ + (end_ - begin_) / 2;
    size_t next = 1;
    while (next + 1 < corners.size() && corners[next].x < middle) next++;
    long double drift = 0;
    if (corners.size() > 1) {
      const auto &a = corners[next - 1], &b = corners[next];
      if ((b.x - a.x) >= (end_ - begin_) / 10)
        drift = static_cast<long double>(b.z - a.z) / static_cast<long double>(b.x - a.x);
    }
    drift = std::clamp<long double>(drift, -kMostDrift, kMostDrift);
    std::optional<long double> bound;
    for (const auto& p : corners) {
      const auto constant = static_cast<long double>(p.z) - drift * static_cast<long double>(p.x);
      bound = !bound ? constant
                     : (points.upper ? std::max(*bound, constant) : std::min(*bound, constant));
    }
    set_line(*bound + drift * static_cast<long double>(begin_), drift);
    result_.quality = AlignmentQuality::kApproximate;
    result_.bound = points.upper ? AlignmentBound::kAtLeast : AlignmentBound::kAtMost;
    (points.upper ? result_.b_to_a : result_.a_to_b) = points.used();
  }

  Base base_;
  Points ceiling_, floor_;
  int64_t begin_ = 0, end_ = 0;
  ClockAlignment result_;
};

}  // namespace

std::string_view alignment_quality_text(const ClockAlignment& alignment) {
  switch (alignment.quality) {
    case AlignmentQuality::kAccurate:
      return "accurate";
    case AlignmentQuality::kApproximate:
      return "approximate: packets of one direction alone, so how long they took is not known";
    case AlignmentQuality::kAbsent:
      break;
  }
  return alignment.contradicting > 0 ? "absent: the packets contradict one another"
                                     : "absent: no packet was seen on both hosts";
}

ClockAlignment align_clocks(const ClockPairs& pairs, ClockSpan span) {
  return Aligning(pairs, span).run();
}

}  // namespace vmflow
