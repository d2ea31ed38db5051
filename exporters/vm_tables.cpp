// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <ranges>

#include "analysis/amount_text.h"
#include "analysis/flow_names.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

constexpr size_t kMostExits = 12, kMostCulprits = 20;

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

template <typename Range>
uint64_t sum(const Range& range) {
  return std::accumulate(std::begin(range), std::end(range), uint64_t{0});
}

uint64_t whole_of(const TimeLedger& time) {
  return sum(time.state_ns) + time.unaccounted_ns + time.held_back_ns;
}

TableRow split_row(std::string_view set, std::string_view name, uint64_t ns, uint64_t whole_ns,
                   std::vector<std::string> more = {}) {
  TableRow row{.cells = {std::string(name), time_text(ns), share_text(ns, whole_ns)},
               .share = ratio(ns, whole_ns),
               .key = fmt::format("{}-{}", set, name)};
  row.cells.insert(row.cells.end(), more.begin(), more.end());
  return row;
}

std::vector<TableColumn> split_columns(const std::string& name) {
  return {{name}, {"Time", ColumnKind::kNumber}, {"Share", ColumnKind::kNumber}};
}

ReportTable waits_table(const VmFlow& vm) {
  const auto whole = vm.time.state_ns[FLOW_HALTED];
  ReportTable table{fmt::format("It was halted for {}. What ended its halts:", time_text(whole)),
                    split_columns("Wait reason"),
                    {}};
  for (uint32_t i = 0; i < kWaitReasons; i++)
    if (vm.wait_ns[i] > 0)
      table.rows.push_back(
          split_row("wait", wait_reason_name(static_cast<WaitReason>(i)), vm.wait_ns[i], whole));
  if (const auto open = vm.open_wait_ns[FLOW_HALTED]; open > 0) {
    table.rows.push_back(split_row("wait", "not yet ended", open, whole));
    table.rows.back().key = "wait-open";
  }
  std::ranges::stable_sort(table.rows, std::greater{}, &TableRow::share);
  return table;
}

ReportTable blocked_table(const VmFlow& vm) {
  const auto whole = vm.time.state_ns[FLOW_VMM_BLOCKED];
  ReportTable table{fmt::format("It was blocked outside HLT for {}. What in:", time_text(whole)),
                    split_columns("Blocked in"),
                    {}};
  for (uint32_t i = 0; i < FLOW_BLOCKS; i++)
    if (vm.block_ns[i] > 0)
      table.rows.push_back(
          split_row("block", block_name(static_cast<flow_block>(i)), vm.block_ns[i], whole));
  return table;
}

ReportTable culprits_table(const ReportVm& vm) {
  const auto whole = vm.flow.time.state_ns[FLOW_READY];
  ReportTable table{
      fmt::format("It was ready, without a CPU, for {}. Who held the CPU:", time_text(whole)),
      {{"Culprit"}, {"Kind"}, {"Time", ColumnKind::kNumber}, {"Share", ColumnKind::kNumber}},
      {}};
  uint64_t rest_ns = whole;
  for (const auto& culprit : vm.culprits) {
    if (table.rows.size() == kMostCulprits) break;
    rest_ns -= std::min(rest_ns, culprit.ns);
    const auto kind = std::string(culprit_name(culprit.kind));
    table.rows.push_back({{shown_text(culprit_text(culprit)), kind, time_text(culprit.ns),
                           share_text(culprit.ns, whole)},
                          ratio(culprit.ns, whole),
                          "culprit-" + kind});
  }
  if (rest_ns > 0)
    table.rows.push_back({{vm.culprits.size() > kMostCulprits ? "all others" : "not told",
                           "unknown", time_text(rest_ns), share_text(rest_ns, whole)},
                          ratio(rest_ns, whole),
                          "culprit-unknown"});
  return table;
}

ReportTable exits_table(const VmFlow& vm, uint64_t window_ns) {
  auto exits = vm.exits;
  std::ranges::stable_sort(exits, std::greater{},
                           [](const auto& exit) { return std::pair(exit.ns, exit.count); });
  const auto counts = std::accumulate(exits.begin(), exits.end(), uint64_t{0},
                                      [](auto all, const auto& exit) { return all + exit.count; });
  ReportTable table{
      fmt::format("It left the guest {}. Exits by handling time:", counted_text(counts, "time")),
      {{"Exit reason"},
       {"Count", ColumnKind::kNumber},
       {"Per second", ColumnKind::kNumber},
       {"Time", ColumnKind::kNumber},
       {"Each", ColumnKind::kNumber}},
      {}};
  for (const auto& exit : exits | std::views::take(kMostExits))
    table.rows.push_back(
        {{shown_text(exit.reason), count_text(exit.count),
          window_ns == 0 ? "-"
                         : fmt::format("{:.0f}", static_cast<double>(exit.count) * 1e9 /
                                                     static_cast<double>(window_ns)),
          time_text(exit.ns), exit.count == 0 ? "-" : time_text(exit.ns / exit.count)},
         std::nullopt,
         ""});
  if (exits.size() > kMostExits)
    table.sentence = fmt::format("It left the guest {}. The {} of {} reasons that took most:",
                                 counted_text(counts, "time"), kMostExits, exits.size());
  return table;
}

ReportTable levels_table(const NestedSums& levels) {
  const auto whole = sum(levels.level_ns) + levels.pending_ns;
  ReportTable table{fmt::format("It runs guests of its own; of their exits the host handled {} and "
                                "gave it {}. Whose its time was:",
                                count_text(levels.handled), count_text(levels.reflected)),
                    split_columns("Level"),
                    {}};
  for (uint32_t i = 0; i < FLOW_LEVELS; i++)
    table.rows.push_back(
        split_row("level", level_name(static_cast<flow_level>(i)), levels.level_ns[i], whole));
  return table;
}

ReportTable vcpus_table(const VmFlow& vm) {
  constexpr auto kNumber = ColumnKind::kNumber;
  ReportTable table{"Its vCPUs, in percent of their time:",
                    {{"vCPU", kNumber},
                     {"Thread", kNumber},
                     {"guest", kNumber},
                     {"kvm, vmm", kNumber},
                     {"halted", kNumber},
                     {"ready", kNumber},
                     {"blocked", kNumber}},
                    {}};
  for (const auto& vcpu : vm.per_vcpu) {
    const auto& ns = vcpu.time.state_ns;
    const auto whole = whole_of(vcpu.time);
    table.rows.push_back(
        {{std::to_string(vcpu.vcpu_id), vcpu.tid == 0 ? "-" : std::to_string(vcpu.tid),
          share_text(ns[FLOW_GUEST] + ns[FLOW_GUEST_NESTED], whole),
          share_text(ns[FLOW_KVM] + ns[FLOW_VMM], whole),
          share_text(ns[FLOW_HALTED] + ns[FLOW_HALT_POLL], whole),
          share_text(ns[FLOW_READY] + ns[FLOW_THROTTLED], whole),
          share_text(ns[FLOW_VMM_BLOCKED] + ns[FLOW_PAUSED], whole)},
         std::nullopt,
         ""});
  }
  return table;
}

}  // namespace

ReportTable states_table(const VmFlow& vm) {
  const auto whole = whole_of(vm.time);
  ReportTable table{fmt::format("Where {} of its vCPUs' time went:", time_text(whole)),
                    split_columns("State"),
                    {}};
  table.columns.push_back({"Meaning"});
  const auto add = [&](flow_state state, uint64_t ns) {
    const auto name = state_name(state);
    if (ns > 0)
      table.rows.push_back(split_row("state", name.name, ns, whole, {std::string(name.meaning)}));
  };
  for (uint32_t i = 0; i < FLOW_STATES; i++) add(static_cast<flow_state>(i), vm.time.state_ns[i]);
  add(FLOW_UNKNOWN, vm.time.unaccounted_ns + vm.time.held_back_ns);
  return table;
}

std::vector<ReportTable> vm_tables(const ReportVm& vm, const ReportWindow& window) {
  const auto& flow = vm.flow;
  std::vector<ReportTable> tables = {states_table(flow)};
  if (vm.path) tables.push_back(path_table(*vm.path));
  if (flow.time.state_ns[FLOW_READY] > 0) tables.push_back(culprits_table(vm));
  if (flow.time.state_ns[FLOW_HALTED] > 0) tables.push_back(waits_table(flow));
  if (flow.time.state_ns[FLOW_VMM_BLOCKED] > 0) tables.push_back(blocked_table(flow));
  if (!flow.exits.empty())
    tables.push_back(exits_table(flow, window.end_ns - std::min(window.begin_ns, window.end_ns)));
  if (flow.levels) tables.push_back(levels_table(*flow.levels));
  if (vm.nested) tables.push_back(nested_table(*vm.nested));
  if (vm.processes) tables.push_back(processes_table(*vm.processes));
  if (vm.processes && vm.processes->ranks) tables.push_back(ranks_table(*vm.processes));
  if (flow.per_vcpu.size() > 1) tables.push_back(vcpus_table(flow));
  return tables;
}

}  // namespace vmflow
