// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "agent/cli/cell_text.h"

namespace vmflow {
namespace {

using Number = std::optional<double>;
using enum ColumnUnit;

/// Absent if the look has none of them.
Number sum_of(const NamedNumbers& numbers, std::span<const std::string_view> names) {
  Number sum;
  for (const auto name : names)
    if (const auto found = numbers.find(name); found != numbers.end())
      sum = sum.value_or(0) + found->second;
  return sum;
}

Number vcpus(const TopRow& row) {
  return row.now.vcpus == 0 ? Number() : static_cast<double>(row.now.vcpus);
}

Number exits(const TopRow& row) {
  return row.exits_per_second;
}

std::string name(const TopRow& row) {
  return row.shown;
}

std::string culprit(const TopRow& row) {
  return in_cells(row.now.culprit);
}

std::string cause(const TopRow& row) {
  return in_cells(short_cause(row.now.cause));
}

constexpr auto kColumns = std::to_array<TopColumn>({
    {.title = "NAME",
     .key = "name",
     .unit = kText,
     .width = 12,
     .meaning = "the VM's name, or its label",
     .text = name},
    {.title = "VCPU",
     .key = "vcpus",
     .unit = kCount,
     .rank = 3,
     .meaning = "its vCPUs",
     .number = vcpus},
    {.title = "%GUEST",
     .key = "guest_percent",
     .width = 6,
     .meaning = "in the guest, and in guests that it runs itself",
     .states = {"guest", "guest_nested"}},
    {.title = "%KVM",
     .key = "kvm_percent",
     .rank = 4,
     .meaning = "in the host kernel between VM exit and VM entry",
     .states = {"kvm"}},
    {.title = "%VMM",
     .key = "vmm_percent",
     .rank = 5,
     .meaning = "in the VMM's user space, on a CPU",
     .states = {"vmm"}},
    {.title = "%RDY",
     .key = "ready_percent",
     .warn_from = 5,
     .meaning = "ready: could run, has no CPU; the guest calls it steal",
     .states = {"ready"}},
    {.title = "%THR",
     .key = "throttled_percent",
     .rank = 3,
     .warn_from = 10,
     .meaning = "throttled: could run, its cgroup has used up its quota",
     .states = {"throttled"}},
    {.title = "%HALT",
     .key = "halted_percent",
     .rank = 2,
     .width = 5,
     .meaning = "halted: asleep after HLT",
     .states = {"halted"}},
    {.title = "%TMR",
     .key = "halted_timer_percent",
     .rank = 8,
     .meaning = "of %HALT: ended by its timer (waits that ended since the last look)",
     .waits = {"timer"}},
    {.title = "%DSK",
     .key = "halted_disk_percent",
     .rank = 8,
     .meaning = "of %HALT: ended by its disk",
     .waits = {"disk"}},
    {.title = "%NET",
     .key = "halted_net_percent",
     .rank = 8,
     .meaning = "of %HALT: ended by its network",
     .waits = {"net"}},
    {.title = "%TSK",
     .key = "halted_task_percent",
     .rank = 8,
     .meaning = "of %HALT: ended by another of its vCPUs",
     .waits = {"task"}},
    {.title = "%OTH",
     .key = "halted_other_percent",
     .rank = 8,
     .meaning = "of %HALT: ended by memory, another device, or not told what",
     .waits = {"memory", "device", "passthrough", "unknown"}},
    {.title = "%POLL",
     .key = "halt_poll_percent",
     .rank = 7,
     .width = 5,
     .meaning = "idle: the host kernel spins in the hope of an early wake-up",
     .states = {"halt_poll"}},
    {.title = "%BLK",
     .key = "vmm_blocked_percent",
     .rank = 4,
     .warn_from = 10,
     .meaning = "blocked: asleep, but not in HLT: waits for the VMM or the host's memory",
     .states = {"vmm_blocked"}},
    {.title = "%PAU",
     .key = "paused_percent",
     .rank = 7,
     .meaning = "paused: stopped by the VMM or a debugger",
     .states = {"paused"}},
    {.title = "EXIT/s",
     .key = "exits_per_second",
     .unit = kPerSecond,
     .rank = 3,
     .width = 6,
     .meaning = "VM exits a second",
     .number = exits},
    {.title = "CULPRIT",
     .key = "culprit",
     .unit = kText,
     .rank = 1,
     .width = 8,
     .meaning = "who had the CPU most while the VM was ready, in the agent's last minute",
     .text = culprit},
    {.title = "CAUSE",
     .key = "cause",
     .unit = kText,
     .rank = 1,
     .width = 8,
     .meaning = "what slows it most, in the agent's last minute: own load, inside (its processes "
                "one another), other VM, platform; - is nothing",
     .text = cause},
});

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '%') out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

/// What comes first: -1 a, 1 b, 0 neither.
int order(const TopColumn& column, const TopRow& a, const TopRow& b, bool reversed) {
  int order = 0;
  if (column.text == nullptr) {
    const auto x = number_in(column, a), y = number_in(column, b);
    if (!x || !y) return static_cast<int>(y.has_value()) - static_cast<int>(x.has_value());
    order = *x > *y ? -1 : *x < *y ? 1 : 0;
  } else {
    const auto x = column.text(a), y = column.text(b);
    if (x.empty() || y.empty()) return static_cast<int>(x.empty()) - static_cast<int>(y.empty());
    order = x.compare(y);
  }
  return reversed ? -order : order;
}

}  // namespace

std::span<const TopColumn> top_columns() {
  return kColumns;
}

std::optional<size_t> column_called(std::string_view title) {
  const auto found = std::ranges::find(kColumns, upper(title),
                                       [](const TopColumn& column) { return upper(column.title); });
  if (found == kColumns.end()) return std::nullopt;
  return static_cast<size_t>(found - kColumns.begin());
}

size_t first_sort_column() {
  return column_called("RDY").value_or(0);
}

std::string percent_text(Number percent) {
  if (!percent) return "-";
  return *percent < 99.95 ? fmt::format("{:.1f}", *percent) : fmt::format("{:.0f}", *percent);
}

std::string rate_text(Number rate) {
  if (!rate) return "-";
  if (*rate > 0 && *rate < 9.95) return fmt::format("{:.1f}", *rate);
  if (*rate < 999'999.5) return fmt::format("{:.0f}", *rate);
  return *rate < 1e8 ? fmt::format("{:.0f}k", *rate / 1e3) : fmt::format("{:.0f}M", *rate / 1e6);
}

std::string short_cause(std::string_view cause) {
  if (cause == "own_load") return "own load";
  if (cause == "guest_contention") return "inside";
  if (cause == "colocated_vm") return "other VM";
  if (cause == "nothing") return "-";
  return std::string(cause);
}

Number number_in(const TopColumn& column, const TopRow& row) {
  if (column.number != nullptr) return column.number(row);
  if (!column.states.front().empty()) return sum_of(row.percent, column.states);
  return sum_of(row.wait_percent, column.waits);
}

std::string cell_of(const TopColumn& column, const TopRow& row) {
  if (column.text != nullptr) {
    auto text = column.text(row);
    return text.empty() ? "-" : text;
  }
  const auto number = number_in(column, row);
  switch (column.unit) {
    case kPercent:
      return percent_text(number);
    case kPerSecond:
      return rate_text(number);
    case kCount:
    case kText:
      break;
  }
  return number ? fmt::format("{:.0f}", *number) : "-";
}

void sort_rows(std::vector<TopRow>& rows, size_t column, bool reversed) {
  const auto& by = kColumns.at(std::min(column, kColumns.size() - 1));
  std::ranges::stable_sort(rows, [&](const TopRow& a, const TopRow& b) {
    if (const int first = order(by, a, b, reversed); first != 0) return first < 0;
    return a.shown != b.shown ? a.shown < b.shown : a.now.id < b.now.id;
  });
}

}  // namespace vmflow
