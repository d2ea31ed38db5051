// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/critical_path.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <unordered_map>

namespace vmflow {
namespace {

bool is_alike(const PathStretch& a, const PathStretch& b) {
  return a.worker == b.worker && a.by == b.by && a.doing == b.doing && a.level == b.level;
}

bool is_of_guest(const Worker& worker) {
  return worker.kind == WorkerKind::kVcpu || worker.kind == WorkerKind::kProcess;
}

/// Walks back from the end: at any moment the path is with one worker, and the stack holds those
/// who wait for it, each with the moment at which its wait began.
class Walk {
 public:
  Walk(const ExecutionGraph& graph, CriticalPath& path)
      : graph_(graph), path_(path), looked_at_(graph.chains.size()) {}

  void run() {
    now_ns_ = path_.end_ns;
    stack_.push_back({.worker = path_.worker, .from_ns = path_.begin_ns, .entered_ns = now_ns_});
    while (!stack_.empty())
      if (now_ns_ <= stack_.back().from_ns)
        stack_.pop_back();
      else
        step(stack_.back());
    std::ranges::reverse(path_.stretches);
  }

 private:
  /// A worker that the path has come to, and the wait that led to it.
  struct Frame {
    uint32_t worker = kNoWorker;
    uint64_t from_ns = 0;     ///< its wait, or the window, began
    uint64_t entered_ns = 0;  ///< the path came to it
    uint32_t waiter = kNoWorker;
    Doing wait = Doing::kUnknown;
    Doing cause = Doing::kUnknown;  ///< what all this is about, as far as a wait has told
  };

  /// The last stretch that began before a moment, or null.
  const WorkStretch* before(uint32_t worker, uint64_t ns) {
    if (worker >= graph_.chains.size()) return nullptr;
    const auto& chain = graph_.chains[worker];
    const auto begins_before = [&](size_t i) { return chain[i].begin_ns < ns; };
    // Mostly it is the one that was looked at last, or the one before it.
    size_t& after = looked_at_[worker];
    if (after > 0 && !begins_before(after - 1)) after--;
    if ((after > 0 && !begins_before(after - 1)) || (after < chain.size() && begins_before(after)))
      after = static_cast<size_t>(
          std::ranges::partition_point(
              chain, [&](const WorkStretch& stretch) { return stretch.begin_ns < ns; }) -
          chain.begin());
    return after == 0 ? nullptr : &chain[after - 1];
  }

  void step(const Frame& frame) {
    const auto* stretch = before(frame.worker, now_ns_);
    const uint64_t told_ns = stretch ? std::max(stretch->end_ns, frame.from_ns) : frame.from_ns;
    if (told_ns < now_ns_) return add_gap(frame, told_ns);
    const uint64_t begin_ns = std::max(stretch->begin_ns, frame.from_ns);
    // A wait that went on when the path came to it was not ended by then.
    if (is_blocked(stretch->doing) && stretch->by != kNoWorker && stretch->end_ns == now_ns_ &&
        follow(frame, *stretch, begin_ns))
      return;
    add({frame.worker, begin_ns, now_ns_, stretch->by, what(frame, *stretch), stretch->level});
  }

  /// Goes to who ended the wait. False: there is nothing to be seen there.
  bool follow(const Frame& frame, const WorkStretch& wait, uint64_t begin_ns) {
    const uint64_t wake_ns = std::clamp(wait.wake_ns, begin_ns, wait.end_ns);
    const auto* last = before(wait.by, wake_ns);
    if (!last || last->end_ns <= begin_ns) return false;
    if (stack_.size() > kMostDeep || is_entered(wait.by, wake_ns)) {
      path_.not_followed++;
      return false;
    }
    const Doing cause =
        wait.doing == Doing::kTask || wait.doing == Doing::kUnknown ? frame.cause : wait.doing;
    const Frame next{.worker = wait.by,
                     .from_ns = begin_ns,
                     .entered_ns = wake_ns,
                     .waiter = frame.worker,
                     .wait = wait.doing,
                     .cause = cause};
    if (wake_ns < now_ns_) add({frame.worker, wake_ns, now_ns_, wait.by, wait.doing, 0});
    stack_.push_back(next);
    return true;
  }

  /// Has the path come to this worker at this very moment?
  bool is_entered(uint32_t worker, uint64_t ns) const {
    return std::any_of(stack_.rbegin(), stack_.rend(), [&](const Frame& frame) {
      return frame.entered_ns == ns && frame.worker == worker;
    });
  }

  /// A thread of the host that sleeps until an interrupt while others wait for the disk through it
  /// waits for the disk.
  Doing what(const Frame& frame, const WorkStretch& stretch) const {
    if (stretch.doing != Doing::kUnknown || is_of_guest(graph_.workers[frame.worker]))
      return stretch.doing;
    return frame.cause;
  }

  /// What the worker's chain does not tell stays with who waits for it.
  void add_gap(const Frame& frame, uint64_t from_ns) {
    if (frame.waiter == kNoWorker)
      add({frame.worker, from_ns, now_ns_, kNoWorker, Doing::kUnknown, 0});
    else
      add({frame.waiter, from_ns, now_ns_, frame.worker, frame.wait, 0});
  }

  void add(const PathStretch& stretch) {
    now_ns_ = stretch.begin_ns;
    auto& all = path_.stretches;
    if (!all.empty() && is_alike(all.back(), stretch))
      all.back().begin_ns = stretch.begin_ns;
    else
      all.push_back(stretch);
  }

  const ExecutionGraph& graph_;
  CriticalPath& path_;
  std::vector<Frame> stack_;
  std::vector<size_t> looked_at_;  ///< by worker: the place after the last one found
  uint64_t now_ns_ = 0;
};

using PartKey = std::tuple<uint32_t, uint32_t, Doing, uint8_t>;

PartKey key_of(const auto& stretch) {
  return {stretch.worker, stretch.by, stretch.doing, stretch.level};
}

struct PartHash {
  size_t operator()(const PartKey& key) const {
    const auto& [worker, by, doing, level] = key;
    const uint64_t kind = static_cast<uint64_t>(doing) << 8 | level;
    return std::hash<uint64_t>{}((uint64_t{worker} << 32 | by) * 0x9e37'79b9'7f4a'7c15 + kind);
  }
};

std::vector<PathPart> parts_of(const std::vector<PathStretch>& stretches) {
  std::unordered_map<PartKey, size_t, PartHash> places;
  std::vector<PathPart> parts;
  for (const auto& each : stretches) {
    const auto [known, is_new] = places.try_emplace(key_of(each), parts.size());
    if (is_new)
      parts.push_back(
          {.worker = each.worker, .by = each.by, .doing = each.doing, .level = each.level});
    auto& part = parts[known->second];
    part.ns += each.end_ns - each.begin_ns;
    part.count++;
  }
  std::ranges::sort(parts, [](const PathPart& a, const PathPart& b) {
    return a.ns != b.ns ? a.ns > b.ns : key_of(a) < key_of(b);
  });
  return parts;
}

}  // namespace

CriticalPath critical_path(const ExecutionGraph& graph, uint32_t worker, uint64_t begin_ns,
                           uint64_t end_ns) {
  CriticalPath path;
  path.worker = worker;
  path.begin_ns = begin_ns;
  path.end_ns = std::max(begin_ns, end_ns);
  Walk(graph, path).run();
  path.parts = parts_of(path.stretches);
  return path;
}

}  // namespace vmflow
