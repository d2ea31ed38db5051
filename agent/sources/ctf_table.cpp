// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_table.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <unordered_map>

#include "agent/sources/ctf_rows.h"

namespace vmflow {
namespace {

std::vector<CtfEvent> all_rows() {
  auto rows = kvm_ctf_rows();
  for (auto* more : {&scheduler_ctf_rows, &packet_ctf_rows, &own_ctf_rows}) {
    auto part = more();
    std::ranges::move(part, std::back_inserter(rows));
  }
  return rows;
}

}  // namespace

std::span<const CtfEvent> ctf_events() {
  static const std::vector<CtfEvent> rows = all_rows();
  return rows;
}

const CtfEvent* ctf_event(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const CtfEvent*> rows;
    for (const auto& row : ctf_events()) rows[row.name] = &row;
    return rows;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

const CtfEvent& written_as(const EventData& data, const ThreadNames& names, CtfValues& values) {
  static const auto by_kind = [] {
    std::array<std::vector<const CtfEvent*>, std::variant_size_v<EventData>> rows;
    for (const auto& row : ctf_events())
      if (row.write) rows[row.kind].push_back(&row);
    return rows;
  }();
  for (const auto* row : by_kind[data.index()])
    if (row->write(data, names, values)) return *row;
  throw std::logic_error("an event that no row of the table writes");
}

}  // namespace vmflow
