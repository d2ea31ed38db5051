// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_book.h"

#include <algorithm>
#include <utility>

namespace vmflow {
namespace {

constexpr uint64_t kLookNs = 900'000'000;  // a tick comes a little early now and then
constexpr uint64_t kRequestNs = 10'000'000'000;
constexpr size_t kMostTaken = 64;  // culprits that one mark remembers: who took most

void set_disk(SlowdownPoint& point, const SlowdownPoint& from) {
  point.disk_halted_ns = from.disk_halted_ns;
  point.disk_waited_ns = from.disk_waited_ns;
  point.disk_held_ns = from.disk_held_ns;
  point.disk_operations = from.disk_operations;
}

std::vector<TakenTime> the_worst(std::vector<TakenTime> taken) {
  std::ranges::sort(taken, std::greater{}, &TakenTime::ns);
  if (taken.size() > kMostTaken) taken.resize(kMostTaken);
  return taken;
}

}  // namespace

std::map<VmKey, std::vector<TakenTime>> taken_by_victim(const Snapshot& snapshot) {
  std::map<VmKey, std::vector<TakenTime>> taken;
  for (const auto& [key, value] : snapshot.blames)
    if (key.culprit < FLOW_CULPRITS)
      taken[{key.tgid, key.kvm}].push_back(
          {static_cast<flow_culprit>(key.culprit), key.culprit_tgid, value.ns});
  return taken;
}

SlowdownLook slowdown_look(const Snapshot& snapshot, const VmKey& key, const VmFlow& vm,
                           std::vector<TakenTime> taken) {
  SlowdownLook look{.now_ns = snapshot.now_ns,
                    .point = slowdown_point(vm),
                    .processes = {},
                    .taken = std::move(taken)};
  const auto told = snapshot.processes.find(key);
  if (told != snapshot.processes.end()) look.processes = told->second;
  return look;
}

void SlowdownBook::take_in(SlowdownLook look) {
  if (!std::exchange(began_, true)) {
    // What it did before belongs to the first second.
    last_ns_ = disk_since_ns_ = look.now_ns;
    marks_.push_back({.now_ns = look.now_ns, .taken = the_worst(std::move(look.taken))});
    return;
  }
  if (look.now_ns < last_ns_ + kLookNs) return;
  auto point = look.point;
  // The time of a request that is not over yet is nobody's, as what it waited for counts at its
  // end.
  const bool is_over =
      point.disk_operations != last_.disk_operations || look.now_ns >= disk_since_ns_ + kRequestNs;
  if (!is_over) set_disk(point, last_);
  const auto sums = slowdown_of(point - last_, look.processes);
  for (uint32_t kind = 0; kind < kSlowdownKinds; kind++) total_ns_[kind] += sums[kind];
  if (is_over) disk_since_ns_ = look.now_ns;
  last_ns_ = look.now_ns;
  last_ = std::move(point);
  whole_ns_ = std::max(whole_ns_, last_.whole_ns());
  wanted_ns_ = std::max(wanted_ns_, last_.wanted_ns());
  processes_told_ = look.processes.has_value();
  keep_mark(look);
}

void SlowdownBook::keep_mark(SlowdownLook& look) {
  const uint64_t since_ns = look.now_ns - marks_.back().now_ns;
  if (since_ns < kSlowdownMarkNs || (look.taken.empty() && since_ns < 2 * kSlowdownMarkNs)) return;
  marks_.push_back(
      {look.now_ns, whole_ns_, wanted_ns_, total_ns_, the_worst(std::move(look.taken))});
  while (marks_.size() > 2 && marks_[1].now_ns + kSlowdownWindowNs <= look.now_ns)
    marks_.pop_front();
}

SlowdownFlow SlowdownBook::flow() const {
  SlowdownFlow flow{.total_ns = total_ns_, .window = {}, .processes_told = processes_told_};
  if (marks_.empty()) return flow;
  const auto& from = marks_.front();
  flow.window = {.begin_ns = from.now_ns,
                 .end_ns = last_ns_,
                 .whole_ns = whole_ns_ - from.whole_ns,
                 .wanted_ns = wanted_ns_ - from.wanted_ns,
                 .ns = total_ns_,
                 .taken_before = from.taken};
  for (uint32_t kind = 0; kind < kSlowdownKinds; kind++)
    flow.window.ns[kind] -= from.total_ns[kind];
  return flow;
}

}  // namespace vmflow
