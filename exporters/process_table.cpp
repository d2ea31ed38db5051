// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "analysis/amount_text.h"
#include "analysis/process_workload.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

constexpr size_t kMost = 12;

/// How long it waited, and what made it go on most of the time.
std::string waits_text(const GuestProcess& process) {
  const auto most = std::ranges::max_element(process.wait_ns);
  if (*most == 0) return "-";
  const auto reason = static_cast<WaitReason>(most - process.wait_ns.begin());
  const auto all = std::accumulate(process.wait_ns.begin(), process.wait_ns.end(), uint64_t{0});
  return fmt::format("{} {}", time_text(all), wait_reason_name(reason));
}

std::string waker_text(const VmProcesses& vm, const GuestProcess& process) {
  if (process.wakers.empty()) return "-";
  return process_name(vm.processes[process.wakers.front().process].key);
}

std::string ranks_text(const VmProcesses& vm) {
  const auto load = process_workload(vm);
  if (load.left_out == 0) return "Ranked by who wakes whom; all of them belong to its workload:";
  return fmt::format("Ranked by who wakes whom. {} to its workload, {} only beside it:",
                     load.processes == 1 ? "1 belongs" : fmt::format("{} belong", load.processes),
                     load.left_out == 1 ? "1 runs" : fmt::format("{} run", load.left_out));
}

std::vector<uint32_t> best_first(const ProcessRanks& ranks) {
  std::vector<uint32_t> order(ranks.rank.size());
  std::iota(order.begin(), order.end(), 0);
  // The groups as they are counted; within one, and for a reader, a thousandth is no difference.
  std::ranges::stable_sort(order, {}, [&](uint32_t i) {
    return std::tuple(!ranks.kept[i], ranks.group[i], -std::lround(ranks.rank[i] * 1000));
  });
  return order;
}

}  // namespace

ReportTable processes_table(const VmProcesses& vm) {
  constexpr auto kNumber = ColumnKind::kNumber;
  ReportTable table{
      fmt::format(
          "Its processes, by their page tables, as its exits showed them ({} of their time "
          "from both sides): in the guest, behind others that had the vCPU, waiting and for "
          "what most:",
          share_text(static_cast<uint64_t>(vm.coverage() * 1e6), 1'000'000)),
      {{"Process"},
       {"Guest", kNumber},
       {"Share", kNumber},
       {"Behind", kNumber},
       {"Waits"},
       {"Woken by"},
       {"Threads", kNumber}},
      {}};
  const auto whole = vm.guest_ns();
  for (size_t i = 0; i < std::min(kMost, vm.processes.size()); i++) {
    const auto& process = vm.processes[i];
    table.rows.push_back(
        {{process_name(process.key), time_text(process.guest_ns()),
          share_text(process.guest_ns(), whole), time_text(process.behind_ns), waits_text(process),
          waker_text(vm, process), std::to_string(process.threads)},
         std::nullopt,
         ""});
  }
  if (vm.processes.size() > kMost)
    table.sentence = fmt::format("Of its {} processes, those that ran longest, {}",
                                 count_text(vm.processes.size()),
                                 table.sentence.substr(table.sentence.find("by their")));
  return table;
}

ReportTable ranks_table(const VmProcesses& vm) {
  constexpr auto kNumber = ColumnKind::kNumber;
  ReportTable table{
      ranks_text(vm),
      {{"Process"}, {"Rank", kNumber}, {"Group", kNumber}, {"Part of"}, {"Guest", kNumber}},
      {}};
  const auto& ranks = *vm.ranks;
  for (const auto i : best_first(ranks)) {
    if (table.rows.size() == kMost) break;
    table.rows.push_back(
        {{process_name(vm.processes[i].key), fmt::format("{:.3f}", ranks.rank[i]),
          std::to_string(ranks.group[i] + 1), ranks.kept[i] ? "the workload" : "noise",
          time_text(vm.processes[i].guest_ns())},
         std::nullopt,
         ""});
  }
  return table;
}

}  // namespace vmflow
