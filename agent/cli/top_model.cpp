// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "agent/cli/cell_text.h"

namespace vmflow {
namespace {

/// A VM that was started again may have the same label.
bool is_same(const VmCounters& before, const VmCounters& now) {
  return before.pid == now.pid && before.start_unix_seconds == now.start_unix_seconds;
}

std::optional<double> rate(std::optional<double> before, std::optional<double> now,
                           std::optional<double> seconds) {
  if (!before || !now || !seconds || *seconds <= 0 || *now < *before) return std::nullopt;
  return (*now - *before) / *seconds;
}

double number_in(const NamedNumbers& numbers, std::string_view name) {
  const auto found = numbers.find(name);
  return found == numbers.end() ? 0 : found->second;
}

/// Fills in what happened since `before`; false if its counters fell.
bool compare(const VmCounters& before, std::optional<double> seconds, TopRow& row) {
  auto shares = shares_between(before.states, row.now.states);
  if (shares.fell || row.now.exits.value_or(0) < before.exits.value_or(0)) return false;
  row.exits_per_second = rate(before.exits, row.now.exits, seconds);
  row.wait_percent = waits_between(before.waits, row.now.waits, shares.vcpu_seconds,
                                   number_in(shares.percent, "halted"));
  row.percent = std::move(shares.percent);
  return true;
}

}  // namespace

Shares shares_between(const NamedNumbers& before, const NamedNumbers& now) {
  Shares shares;
  for (const auto& [state, seconds] : now) {
    const auto was = before.find(state);
    if (was == before.end()) continue;
    if (seconds < was->second) return {{}, 0, true};
    shares.percent[state] = seconds - was->second;
    shares.vcpu_seconds += seconds - was->second;
  }
  if (shares.vcpu_seconds <= 0) return {};
  for (auto& [state, percent] : shares.percent) percent *= 100 / shares.vcpu_seconds;
  return shares;
}

NamedNumbers waits_between(const NamedNumbers& before, const NamedNumbers& now, double vcpu_seconds,
                           double halted_percent) {
  NamedNumbers percent;
  double sum = 0;
  if (vcpu_seconds <= 0) return percent;
  for (const auto& [reason, seconds] : now) {
    const auto was = before.find(reason);
    if (was == before.end()) continue;
    if (seconds < was->second) return {};
    sum += percent[reason] = 100 * (seconds - was->second) / vcpu_seconds;
  }
  if (sum > halted_percent)
    for (auto& [reason, share] : percent) share *= halted_percent / sum;
  return percent;
}

TopRows top_rows(const VmsLook* before, const VmsLook& now) {
  TopRows rows;
  std::unordered_map<std::string_view, const VmCounters*> earlier;
  if (before != nullptr) {
    for (const auto& vm : before->vms) earlier[vm.id] = &vm;
    if (before->seconds && now.seconds && *now.seconds > *before->seconds)
      rows.seconds = *now.seconds - *before->seconds;
  }
  size_t known = 0;
  for (const auto& vm : now.vms) {
    TopRow row{vm, shown_vm(vm), {}, {}, std::nullopt};
    const auto was = earlier.find(vm.id);
    if (was != earlier.end() && is_same(*was->second, vm)) {
      known++;
      if (!compare(*was->second, rows.seconds, row)) rows.restarted++;
    }
    rows.rows.push_back(std::move(row));
  }
  rows.all_restarted = known > 0 && rows.restarted == known;
  return rows;
}

std::string restart_note(const TopRows& rows) {
  if (rows.restarted == 0) return "";
  if (rows.all_restarted) return "counters fell: vmflowd was restarted; counting anew";
  return fmt::format("counters of {} VM{} fell; counting anew", rows.restarted,
                     rows.restarted == 1 ? "" : "s");
}

std::string shown_vm(const VmCounters& vm) {
  auto shown = in_cells(vm.name.empty() ? vm.id : vm.name);
  return shown.empty() ? in_cells(vm.id) : shown;
}

}  // namespace vmflow
