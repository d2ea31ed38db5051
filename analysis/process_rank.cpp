// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/process_rank.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace vmflow {
namespace {

constexpr double kSettled = 1e-13;  // change of all ranks together
constexpr int kMostRounds = 1000;   // 0.85^200 is below kSettled

std::vector<WakeEdge> told_edges(const WakeGraph& graph) {
  auto edges = graph.edges;
  std::erase_if(edges, [&](const WakeEdge& edge) {
    return edge.from == edge.to || edge.count == 0 || edge.from >= graph.processes ||
           edge.to >= graph.processes;
  });
  return edges;
}

std::vector<double> wakeups_by(const std::vector<WakeEdge>& edges, uint32_t processes) {
  std::vector<double> all(processes);
  for (const auto& edge : edges) all[edge.from] += static_cast<double>(edge.count);
  return all;
}

std::vector<double> ranks_of(const std::vector<WakeEdge>& edges, uint32_t processes) {
  const auto n = static_cast<double>(processes);
  const auto wakeups = wakeups_by(edges, processes);
  std::vector<double> rank(processes, 1 / n), next(processes);
  for (int round = 0; round < kMostRounds; round++) {
    double ends = 0, change = 0;
    for (uint32_t i = 0; i < processes; i++) ends += wakeups[i] > 0 ? 0 : rank[i];
    std::ranges::fill(next, (1 - kRankDamping + kRankDamping * ends) / n);
    for (const auto& edge : edges)
      next[edge.to] +=
          kRankDamping * rank[edge.from] * static_cast<double>(edge.count) / wakeups[edge.from];
    for (uint32_t i = 0; i < processes; i++) change += std::abs(next[i] - rank[i]);
    rank.swap(next);
    if (change < kSettled) break;
  }
  return rank;
}

/// Sets that grow together.
class Pieces {
 public:
  explicit Pieces(uint32_t processes) : parent_(processes) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  uint32_t of(uint32_t process) {
    while (parent_[process] != process)
      process = parent_[process] = parent_[parent_[process]];  // each look shortens the way
    return process;
  }
  void join(uint32_t a, uint32_t b) { parent_[of(a)] = of(b); }

 private:
  std::vector<uint32_t> parent_;
};

std::vector<uint32_t> best_first(const std::vector<double>& rank) {
  std::vector<uint32_t> order(rank.size());
  std::iota(order.begin(), order.end(), 0);
  // What is equal on paper differs in its last digits.
  const auto rounded = [&](uint32_t i) { return std::llround(rank[i] * 1e9); };
  std::ranges::stable_sort(order, std::greater{}, rounded);
  return order;
}

}  // namespace

ProcessRanks rank_processes(const WakeGraph& graph) {
  const auto edges = told_edges(graph);
  const auto n = graph.processes;
  ProcessRanks result{.rank = ranks_of(edges, n),
                      .group = std::vector<uint32_t>(n),
                      .alone = std::vector<bool>(n, true),
                      .kept = std::vector<bool>(n)};
  Pieces pieces(n);
  for (const auto& edge : edges) {
    pieces.join(edge.from, edge.to);
    result.alone[edge.from] = result.alone[edge.to] = false;
  }
  constexpr auto kNone = ~uint32_t{0};
  std::vector<uint32_t> number(n, kNone);
  std::vector<bool> kept_group;
  uint32_t best = 0;
  for (const auto process : best_first(result.rank)) {
    auto& group = number[pieces.of(process)];
    if (group == kNone) {
      group = static_cast<uint32_t>(kept_group.size());
      kept_group.push_back(false);
    }
    if (!result.alone[process] && best < kBestRanked) {
      best++;
      kept_group[group] = true;
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    result.group[i] = number[pieces.of(i)];
    result.kept[i] = kept_group[result.group[i]];
  }
  return result;
}

}  // namespace vmflow
