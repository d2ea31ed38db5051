// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/ctf_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace vmflow {
namespace {

using enum CtfStepKind;

/// One CPU's stream while it is cut.
struct Cutting {
  std::vector<uint64_t> ends_ns;  ///< of its packets that hold events
  uint64_t events = 0;
  uint64_t written = 0;
  uint64_t in_packet = 0;  ///< events in the packet that is open; 0: none is
  size_t packet = 0;
  uint64_t lost = 0;
};

class Planner {
 public:
  Planner(std::span<const Event> events, uint64_t events_per_packet)
      : events_(events), most_(events_per_packet), order_(events.size()) {
    std::iota(order_.begin(), order_.end(), uint64_t{0});
    std::ranges::stable_sort(order_, {}, [&](uint64_t i) { return events_[i].ns; });
  }

  CtfPlan plan(const CtfCoverage& coverage) {
    for (const auto& [cpu, count] : coverage.lost)
      if (count > 0) cpus_[cpu].lost = count;
    for (const auto& [cpu, ns] : coverage.whole_from) {
      cpus_[cpu];
      beginnings_.emplace_back(ns, cpu);
    }
    std::ranges::sort(beginnings_);
    measure();
    if (cpus_.empty()) cpus_[0];  // a trace without a stream could not be told from a broken one
    for (const auto& [cpu, cutting] : cpus_) plan_.cpus.push_back(cpu);
    plan_.steps.reserve(events_.size() + 4 * cpus_.size());
    for (const auto& [cpu, cutting] : cpus_)
      if (cutting.events == 0 && !coverage.whole_from.contains(cpu))
        add_empty_packet(cpu, begin_ns());
    for (const auto i : order_) {
      add_beginnings(events_[i].ns);
      add_event(i);
    }
    add_beginnings(UINT64_MAX);
    for (auto& [cpu, cutting] : cpus_) {
      if (cutting.lost == 0) continue;
      add_lost(cpu, cutting, cutting.events == 0 ? begin_ns() : cutting.ends_ns.back(), end_ns());
      add_empty_packet(cpu, end_ns());
    }
    return std::move(plan_);
  }

 private:
  /// Those until `ns`, at their own time: what was before is in packets of its own.
  void add_beginnings(uint64_t ns) {
    for (; begun_ < beginnings_.size() && beginnings_[begun_].first <= ns; begun_++) {
      const auto& [begin_ns, cpu] = beginnings_[begun_];
      if (std::exchange(cpus_[cpu].in_packet, 0) != 0)
        plan_.steps.push_back({kEndPacket, cpu, begin_ns, 0, 0});
      add_empty_packet(cpu, begin_ns);
    }
  }

  uint64_t begin_ns() const { return order_.empty() ? 0 : events_[order_.front()].ns; }
  uint64_t end_ns() const { return order_.empty() ? 0 : events_[order_.back()].ns; }

  /// Where packets will end, in the same order as they are added.
  void measure() {
    size_t begun = 0;
    for (const auto i : order_) {
      for (; begun < beginnings_.size() && beginnings_[begun].first <= events_[i].ns; begun++)
        cpus_[beginnings_[begun].second].in_packet = 0;
      auto& cutting = cpus_[events_[i].cpu];
      if (cutting.in_packet++ == 0) cutting.ends_ns.push_back(0);
      cutting.in_packet %= most_;
      cutting.ends_ns.back() = events_[i].ns;
      cutting.events++;
    }
    for (auto& [cpu, cutting] : cpus_) cutting.in_packet = 0;
  }

  void add_event(uint64_t i) {
    const auto cpu = events_[i].cpu;
    const auto ns = events_[i].ns;
    auto& cutting = cpus_[cpu];
    if (cutting.in_packet == 0) {
      if (cutting.packet > 0 && cutting.lost > 0)
        add_lost(cpu, cutting, cutting.ends_ns[cutting.packet - 1],
                 cutting.ends_ns[cutting.packet]);
      cutting.packet++;
      plan_.steps.push_back({kBeginPacket, cpu, ns, 0, 0});
    }
    plan_.steps.push_back({kEvent, cpu, ns, i, 0});
    cutting.written++;
    cutting.in_packet++;
    if (cutting.in_packet != most_ && cutting.written != cutting.events) return;
    plan_.steps.push_back({kEndPacket, cpu, ns, 0, 0});
    cutting.in_packet = 0;
  }

  void add_lost(uint32_t cpu, Cutting& cutting, uint64_t ns, uint64_t end_ns) {
    plan_.steps.push_back({kLost, cpu, ns, cutting.lost, end_ns});
    cutting.lost = 0;
  }

  void add_empty_packet(uint32_t cpu, uint64_t ns) {
    plan_.steps.push_back({kBeginPacket, cpu, ns, 0, 0});
    plan_.steps.push_back({kEndPacket, cpu, ns, 0, 0});
  }

  std::span<const Event> events_;
  uint64_t most_;
  std::vector<uint64_t> order_;
  std::map<uint32_t, Cutting> cpus_;
  std::vector<std::pair<uint64_t, uint32_t>> beginnings_;  // by time
  size_t begun_ = 0;
  CtfPlan plan_;
};

}  // namespace

CtfPlan plan_ctf(std::span<const Event> events, const CtfCoverage& coverage,
                 uint64_t events_per_packet) {
  return Planner(events, events_per_packet).plan(coverage);
}

}  // namespace vmflow
