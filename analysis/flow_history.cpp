// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_history.h"

#include <algorithm>
#include <set>
#include <utility>

#include "analysis/flow_names.h"
#include "analysis/wait_reason.h"

namespace vmflow {
namespace {

// Names and values are put together by the same walk, so that they cannot come out of step.
template <typename Column>
void for_each_column(const VmFlow& vm, Column column) {
  constexpr bool kIsTime = true;
  for (uint32_t i = 0; i < FLOW_STATES; i++)
    column("state.", state_name(static_cast<flow_state>(i)).name, vm.time.state_ns[i], kIsTime);
  for (uint32_t i = 0; i < kWaitReasons; i++)
    column("wait.", wait_reason_name(static_cast<WaitReason>(i)), vm.wait_ns[i], kIsTime);
  for (uint32_t i = 0; i < FLOW_BLOCKS; i++)
    column("blocked.", block_name(static_cast<flow_block>(i)), vm.block_ns[i], kIsTime);
  for (uint32_t i = 0; i < FLOW_CULPRITS; i++)
    column("ready.", culprit_name(static_cast<flow_culprit>(i)), vm.culprit_ns[i], kIsTime);
  uint64_t exits = 0, exit_ns = 0;
  for (const auto& exit : vm.folded_exits) {
    exits += exit.count;
    exit_ns += exit.ns;
  }
  column("", "exits", exits, !kIsTime);
  column("", "exit_seconds", exit_ns, kIsTime);
  const auto disk = vm.disk.value_or(DiskFlow{});
  uint64_t operations = 0;
  for (const auto& done : disk.done) operations += done.operations;
  column("disk.", "operations", operations, !kIsTime);
  column("disk.", "halted_pending_seconds", disk.halted_ns, kIsTime);
  column("disk.", "wait_for_others_seconds", disk.waited_ns, kIsTime);
  const auto tap = vm.net ? vm.net->tap.value_or(NetFlow::Tap{}) : NetFlow::Tap{};
  column("net.", "halted_pending_seconds", tap.halted_ns, kIsTime);
  column("", "skew_seconds", vm.skew_ns, kIsTime);
}

struct Columns {
  std::vector<std::string> names;
  std::vector<bool> is_time;
};

const Columns& columns() {
  static const Columns all = [] {
    Columns made;
    for_each_column(VmFlow{},
                    [&](std::string_view kind, std::string_view name, uint64_t, bool is_time) {
                      made.names.push_back(std::string(kind) + std::string(name));
                      made.is_time.push_back(is_time);
                    });
    return made;
  }();
  return all;
}

std::vector<uint64_t> totals_of(const VmFlow& vm) {
  std::vector<uint64_t> totals;
  totals.reserve(columns().names.size());
  for_each_column(vm, [&](std::string_view, std::string_view, uint64_t total, bool) {
    totals.push_back(total);
  });
  return totals;
}

bool has_fallen(const std::vector<uint64_t>& before, const std::vector<uint64_t>& now) {
  for (size_t i = 0; i < now.size(); i++)
    if (now[i] < before[i]) return true;
  return false;
}

HistoryRow row_between(uint64_t from_ns, const std::vector<uint64_t>& before, uint64_t to_ns,
                       const std::vector<uint64_t>& now) {
  HistoryRow row{.from_ns = from_ns, .to_ns = to_ns, .rate = {}};
  row.rate.reserve(now.size());
  const double lasted = static_cast<double>(to_ns - from_ns) / 1e9;
  for (size_t i = 0; i < now.size(); i++) {
    const auto added = static_cast<double>(now[i] - before[i]);
    row.rate.push_back(static_cast<float>((columns().is_time[i] ? added / 1e9 : added) / lasted));
  }
  return row;
}

}  // namespace

const std::vector<std::string>& history_columns() {
  return columns().names;
}

void FlowHistory::add(const FlowModel& model) {
  if (model.now_ns <= now_ns_) return;
  now_ns_ = model.now_ns;
  left_out_ = 0;
  std::map<std::string, Last> seen;
  for (const auto& vm : model.vms) {
    if (!vms_.contains(vm.label) && vms_.size() >= kMostVms) {
      left_out_++;
      continue;
    }
    auto& history = vms_[vm.label];
    history.name = vm.name;
    auto totals = totals_of(vm);
    const auto last = last_.find(vm.label);
    if (last != last_.end() && has_fallen(last->second.totals, totals))
      history.rows.clear();
    else if (last != last_.end())
      history.rows.push_back(row_between(last->second.ns, last->second.totals, now_ns_, totals));
    seen[vm.label] = {now_ns_, std::move(totals)};
  }
  last_ = std::move(seen);
  const auto oldest_ns = now_ns_ > span_ns_ ? now_ns_ - span_ns_ : 0;
  for (auto& [label, history] : vms_)
    while (!history.rows.empty() && history.rows.front().to_ns <= oldest_ns)
      history.rows.pop_front();
  std::erase_if(
      vms_, [this](const auto& vm) { return vm.second.rows.empty() && !last_.contains(vm.first); });
}

HistoryMean mean_of(const VmHistory& history, uint64_t from_ns, uint64_t to_ns) {
  HistoryMean mean;
  double lasted = 0;
  for (const auto& row : history.rows) {
    if (row.from_ns < from_ns || row.to_ns > to_ns) continue;
    if (mean.rate.empty()) {
      mean.rate.assign(row.rate.size(), 0);
      mean.from_ns = row.from_ns;
    }
    const double seconds = static_cast<double>(row.to_ns - row.from_ns) / 1e9;
    for (size_t i = 0; i < row.rate.size(); i++)
      mean.rate[i] += static_cast<double>(row.rate[i]) * seconds;
    lasted += seconds;
    mean.to_ns = row.to_ns;
  }
  for (auto& rate : mean.rate) rate /= lasted;
  return mean;
}

}  // namespace vmflow
