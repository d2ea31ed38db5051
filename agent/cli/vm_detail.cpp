// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/vm_detail.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/cli/cell_text.h"
#include "agent/cli/top_columns.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;
using Number = std::optional<double>;

constexpr size_t kMostRows = 20;

void add_culprits(const Json& json, VmDetail& detail) {
  const auto& rows = field(json, "culprits");
  if (!rows.is_array()) return;
  for (const auto& row : rows)
    if (const auto seconds = number_of(field(row, "seconds")))
      detail.culprits[culprit_of(field(row, "culprit"))] += *seconds;
}

void add_processes(const Json& json, VmDetail& detail) {
  detail.window_seconds = number_of(field(json, "window_seconds")).value_or(0);
  detail.processes_why = text_of(field(json, "why"));
  const auto& rows = field(json, "processes");
  if (!rows.is_array()) return;
  for (const auto& row : rows)
    if (const auto seconds = number_of(field(row, "guest_seconds")))
      detail.processes.push_back({text_of(field(row, "process")), *seconds});
}

/// What each rose by. Shape: empty before the second look, and if one fell.
NamedNumbers risen(const NamedNumbers* before, const NamedNumbers& now) {
  NamedNumbers risen;
  if (before == nullptr) return risen;
  for (const auto& [name, value] : now) {
    const auto was = before->find(name);
    const double from = was == before->end() ? 0 : was->second;
    if (value < from) return {};
    risen[name] = value - from;
  }
  return risen;
}

/// What rose, the most first.
std::vector<std::pair<std::string, double>> ranked(const NamedNumbers& numbers) {
  std::vector<std::pair<std::string, double>> ranked;
  for (const auto& [name, number] : numbers)
    if (number > 0) ranked.emplace_back(name, number);
  std::ranges::stable_sort(ranked, std::greater{}, &std::pair<std::string, double>::second);
  if (ranked.size() > kMostRows) ranked.resize(kMostRows);
  return ranked;
}

VmDetailTable vcpu_table(const VmDetail* before, const VmDetail& now) {
  VmDetailTable table{{"VCPU", "TID"}, {}, "no vCPU has been seen yet"};
  for (const auto& column : top_columns())
    if (!column.states.front().empty()) table.titles.emplace_back(column.title);
  for (const auto& vcpu : now.vcpus) {
    TopRow row;
    if (before != nullptr) {
      const auto was = std::ranges::find(before->vcpus, vcpu.id, &VmDetail::Vcpu::id);
      if (was != before->vcpus.end())
        row.percent = shares_between(was->states, vcpu.states).percent;
    }
    table.rows.push_back({fmt::format("{}", vcpu.id), fmt::format("{}", vcpu.tid)});
    for (const auto& column : top_columns())
      if (!column.states.front().empty()) table.rows.back().push_back(cell_of(column, row));
  }
  return table;
}

VmDetailTable exit_table(const VmDetail* before, const VmDetail& now, double vcpu_seconds) {
  VmDetailTable table{
      {"EXITS", "EXIT/s", "%TIME", "us EACH"}, {}, "no VM exits since the last look"};
  const auto counts = risen(before == nullptr ? nullptr : &before->exit_counts, now.exit_counts);
  const auto times = risen(before == nullptr ? nullptr : &before->exit_seconds, now.exit_seconds);
  if (before == nullptr || !now.seconds || !before->seconds) return table;
  const double elapsed = *now.seconds - *before->seconds;
  for (const auto& [reason, count] : ranked(counts)) {
    const auto time = times.find(reason);
    const auto seconds = time == times.end() ? Number() : time->second;
    table.rows.push_back(
        {reason, rate_text(elapsed > 0 ? count / elapsed : Number()),
         percent_text(seconds && vcpu_seconds > 0 ? *seconds * 100 / vcpu_seconds : Number()),
         seconds ? fmt::format("{:.1f}", *seconds * 1e6 / count) : "-"});
  }
  return table;
}

VmDetailTable share_table(const char* title, const char* none, const NamedNumbers& numbers,
                          double of_seconds) {
  VmDetailTable table{{title, "%TIME"}, {}, none};
  for (const auto& [name, seconds] : ranked(numbers))
    table.rows.push_back(
        {in_cells(name), percent_text(of_seconds > 0 ? seconds * 100 / of_seconds : Number())});
  return table;
}

VmDetailTable process_table(const VmDetail& now) {
  VmDetailTable table{
      {"GUEST PROCESS", "%CPU"},
      {},
      now.processes_why.empty() ? "no guest processes are told" : in_cells(now.processes_why)};
  NamedNumbers seconds;
  for (const auto& process : now.processes) seconds[process.name] += process.guest_seconds;
  for (const auto& [name, guest] : ranked(seconds))
    table.rows.push_back(
        {in_cells(name),
         now.window_seconds > 0 ? fmt::format("{:.1f}", guest * 100 / now.window_seconds) : "-"});
  return table;
}

}  // namespace

std::optional<VmDetail> vm_detail(const VmAnswers& answers) {
  const auto parsed = [](const std::string& text) { return Json::parse(text, nullptr, false); };
  const auto json = parsed(answers.vm);
  VmDetail detail;
  detail.vm = counters_of(json);
  if (detail.vm.id.empty()) return std::nullopt;
  detail.seconds = number_of(field(json, "monotonic_seconds"));
  detail.blocked = numbers_of(field(json, "blocked_seconds"));
  if (const auto& vcpus = field(json, "vcpus"); vcpus.is_array())
    for (const auto& vcpu : vcpus)
      detail.vcpus.push_back(
          {count_of(field(vcpu, "vcpu")), count_of(field(vcpu, "tid")), states_of(vcpu)});
  if (const auto& exits = field(json, "exits"); exits.is_object())
    for (const auto& [reason, exit] : exits.items()) {
      if (const auto count = number_of(field(exit, "count"))) detail.exit_counts[reason] = *count;
      if (const auto time = number_of(field(exit, "seconds"))) detail.exit_seconds[reason] = *time;
    }
  add_culprits(parsed(answers.culprits), detail);
  add_processes(parsed(answers.processes), detail);
  detail.sentence = text_of(field(parsed(answers.verdict), "sentence"));
  return detail;
}

std::vector<VmDetailTable> detail_tables(const VmDetail* before, const VmDetail& now) {
  Shares shares;
  if (before != nullptr) shares = shares_between(before->vm.states, now.vm.states);
  if (shares.fell) before = nullptr;
  const double whole = shares.vcpu_seconds;
  const auto halted = shares.percent.find("halted");
  NamedNumbers waits;
  if (before != nullptr)
    waits = waits_between(before->vm.waits, now.vm.waits, whole,
                          halted == shares.percent.end() ? 0 : halted->second);
  const auto since = [&](NamedNumbers VmDetail::*part) {
    return risen(before == nullptr ? nullptr : &(before->*part), now.*part);
  };
  return {vcpu_table(before, now),
          exit_table(before, now, whole),
          share_table("HALTED, ENDED BY", "no wait has ended since the last look", waits, 100),
          share_table("BLOCKED IN", "not blocked since the last look", since(&VmDetail::blocked),
                      whole),
          share_table("READY, CPU HELD BY", "not ready since the last look",
                      since(&VmDetail::culprits), whole),
          process_table(now)};
}

}  // namespace vmflow
