// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/crosscheck.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "analysis/crosscheck_scope.h"
#include "analysis/exit_reason.h"
#include "analysis/open_interval.h"
#include "analysis/vcpu_windows.h"

namespace vmflow {
namespace {

constexpr double kTimeAllowed = 0.01;
constexpr double kLeastShare = 0.1;
constexpr int64_t kEventsAllowed = 2;  // one at each edge

/// The sums of a vCPU at one moment, its last event. Time that was held back until polling shows is
/// in them as what it was before.
VcpuTotals totals_at(vcpu_slot slot, uint64_t ns) {
  // What others' events have blamed of its wait since then is not of this window.
  slot.flow.blame_since_ns = std::min<uint64_t>(slot.flow.blame_since_ns, ns);
  VcpuReading reading = read_vcpu(slot, ns);
  const uint64_t held_ns = std::min<uint64_t>(reading.held_back_ns, slot.flow.held_ns);
  const auto host = [](uint32_t state) { return state == FLOW_VMM ? FLOW_VMM : FLOW_KVM; };
  reading.totals.ns[host(slot.flow.held_state)] += held_ns;
  reading.totals.ns[host(slot.flow.state)] += reading.held_back_ns - held_ns;
  return std::move(reading.totals);
}

/// One vCPU over its window: at the beginning, at the end, and where the replay has come to by
/// then.
struct Window {
  std::string name;
  uint64_t ns = 0;
  VcpuTotals first, last, replay;
};

/// What a sum has grown by on both sides.
struct Growth {
  int64_t aggregate = 0;
  int64_t replay = 0;

  int64_t difference() const { return std::abs(aggregate - replay); }
  Growth& operator+=(const Growth& more) {
    aggregate += more.aggregate;
    replay += more.replay;
    return *this;
  }
};

/// `of` reads a sum. Shape: the difference of the two sides is right even where a sum seems to
/// fall.
template <typename Of>
Growth growth(const Window& window, Of of) {
  const uint64_t first = of(window.first);
  return {static_cast<int64_t>(of(window.last) - first),
          static_cast<int64_t>(of(window.replay) - first)};
}

/// Keeps the worst of a time.
class WorstTime {
 public:
  explicit WorstTime(std::string quantity) {
    worst_.quantity = std::move(quantity);
    worst_.is_time = true;
    worst_.allowed_ratio = kTimeAllowed;
  }

  void take(const Window& window, const std::string& what, const Growth& ns) {
    const double whole_ns =
        std::max(static_cast<double>(ns.aggregate), kLeastShare * static_cast<double>(window.ns));
    const double ratio = static_cast<double>(ns.difference()) / whole_ns;
    if (taken_ && ratio <= worst_.disagreement_ratio) return;
    taken_ = true;
    worst_.where = window.name + ", " + what;
    worst_.aggregate = static_cast<double>(ns.aggregate) / 1e9;
    worst_.replay = static_cast<double>(ns.replay) / 1e9;
    worst_.disagreement_ratio = ratio;
  }
  const Agreement& row() const { return worst_; }

 private:
  Agreement worst_;
  bool taken_ = false;
};

/// Adds up a count over all vCPUs. One that is of another kind on the other side is missing on
/// both.
class CountedEvents {
 public:
  void take(const Window& window, const std::vector<Growth>& kinds) {
    int64_t differing = 0;
    for (const Growth& kind : kinds) {
      all_ += kind;
      differing += kind.difference();
    }
    differing_ += differing;
    allowed_ += kEventsAllowed;
    if (differing <= most_) return;
    most_ = differing;
    where_ = window.name;
  }
  Agreement row(std::string quantity) const {
    const auto all = static_cast<double>(std::max<int64_t>(all_.aggregate, 1));
    return {.quantity = std::move(quantity),
            .where = where_,
            .is_time = false,
            .aggregate = static_cast<double>(all_.aggregate),
            .replay = static_cast<double>(all_.replay),
            .disagreement_ratio = static_cast<double>(differing_) / all,
            .allowed_ratio = static_cast<double>(allowed_) / all};
  }

 private:
  Growth all_;
  int64_t differing_ = 0, allowed_ = 0, most_ = 0;
  std::string where_;
};

class Comparison {
 public:
  Comparison(const ReplayVocabulary& told, Vendor vendor)
      : told_(told),
        vendor_(vendor),
        states_(compared_states(told)),
        wait_kinds_(compared_waits(told)) {}

  void take(const Window& window) {
    take_exits(window);
    for (const auto& group : states_)
      state_seconds_.take(
          window, group.name,
          sum(window, group, [](const VcpuTotals& t, uint32_t i) { return t.ns[i]; }));
    std::vector<Growth> waits;
    for (const auto& group : wait_kinds_)
      waits.push_back(sum(window, group, [](const VcpuTotals& t, uint32_t i) {
        return std::accumulate(t.waited[i].begin(), t.waited[i].end(), uint64_t{0});
      }));
    waits_.take(window, waits);
    ready_seconds_.take(window, "ready", growth(window, [](const VcpuTotals& t) {
                          return t.ns[FLOW_READY] + t.ns[FLOW_THROTTLED];
                        }));
  }

  std::vector<Agreement> rows() const {
    std::vector<Agreement> rows = {exits_.row("exits"), exit_seconds_.row(), state_seconds_.row()};
    if (!wait_kinds_.empty()) rows.push_back(waits_.row("waits"));
    rows.push_back(ready_seconds_.row());
    return rows;
  }

 private:
  template <typename Of>
  static Growth sum(const Window& window, const ComparedGroup& group, Of of) {
    Growth sum;
    for (const uint32_t i : group.members)
      sum += growth(window, [&](const VcpuTotals& totals) { return of(totals, i); });
    return sum;
  }

  void take_exits(const Window& window) {
    std::vector<Growth> counts;
    for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) {
      counts.push_back(growth(window, [&](const VcpuTotals& t) { return t.exit_count[i]; }));
      if (!told_.halt_ends && i == halt_exit(vendor_)) continue;
      const Growth ns = growth(window, [&](const VcpuTotals& t) { return t.exit_ns[i]; });
      if (ns.aggregate != 0 || ns.replay != 0)
        exit_seconds_.take(window, exit_name(vendor_, i), ns);
    }
    exits_.take(window, counts);
  }

  ReplayVocabulary told_;
  Vendor vendor_;
  std::vector<ComparedGroup> states_, wait_kinds_;
  CountedEvents exits_, waits_;
  WorstTime exit_seconds_{"exit_seconds"}, state_seconds_{"state_seconds"},
      ready_seconds_{"ready_seconds"};
};

}  // namespace

Crosscheck crosscheck(const Snapshot& first, const Snapshot& last, const ReplayResult& replay,
                      const TraceLosses& losses) {
  const Vendor vendor =
      last.host.vendor != Vendor::kNone ? last.host.vendor : replay.snapshot.host.vendor;
  Crosscheck check;
  Comparison comparison(replay.vocabulary, vendor);
  check.left_out = left_out_of(replay.vocabulary, losses);
  auto windows = vcpu_windows(first, last);
  for (const auto& window : windows.followed) {
    const vcpu_slot& end = window.end;
    const vcpu_slot* replayed = same_vcpu(replay.snapshot, end.id);
    if (!replayed) {
      windows.partly++;
      continue;
    }
    if (window.begin_ns() >= window.end_ns()) continue;  // nothing has happened in between
    check.vcpus++;
    comparison.take({.name = "vCPU " + std::to_string(end.id.vcpu_id) + " of process " +
                             std::to_string(end.id.tgid),
                     .ns = window.end_ns() - window.begin_ns(),
                     .first = totals_at(window.begin, window.begin_ns()),
                     .last = totals_at(end, window.end_ns()),
                     .replay = totals_at(*replayed, window.end_ns())});
  }
  if (windows.partly != 0)
    check.left_out.push_back(std::to_string(windows.partly) +
                             " vCPUs are not compared: one of the two looks tells too little of "
                             "them.");
  if (check.vcpus != 0) check.rows = comparison.rows();
  return check;
}

}  // namespace vmflow
