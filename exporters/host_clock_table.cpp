// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <cstdlib>

#include "analysis/amount_text.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

using enum ColumnKind;

constexpr const char* kNone = "-";

std::string offset_text(const ReportHostClock& clock) {
  if (!clock.offset_ns) return kNone;
  const auto ns = *clock.offset_ns;
  // Every nanosecond: the accuracy may be as small.
  const auto size = ns < 0 ? ~static_cast<uint64_t>(ns) + 1 : static_cast<uint64_t>(ns);
  return fmt::format("{}{}.{:09} s", ns < 0 ? "-" : "+", size / 1'000'000'000,
                     size % 1'000'000'000);
}

}  // namespace

ReportTable host_clock_table(const TraceReport& report) {
  ReportTable table{
      "All times are of the first host's clock; the others' were found from packets between them:",
      {{"Host"},
       {"Clock ahead", kNumber},
       {"Drift", kNumber},
       {"Accuracy", kNumber},
       {"Quality", kProse}},
      {}};
  for (const auto& clock : report.host_clocks)
    table.rows.push_back(
        {{shown_text(clock.host), offset_text(clock),
          clock.offset_ns ? fmt::format("{:+.3f} ppm", clock.drift * 1e6) : kNone,
          clock.accuracy_ns ? "± " + time_text(*clock.accuracy_ns) : kNone, clock.quality},
         std::nullopt,
         ""});
  return table;
}

ReportTable host_packet_table(const TraceReport& report) {
  ReportTable table{"Of the TCP packets that two hosts have seen:",
                    {{"Host"}, {"Packets", kNumber}, {"What became of them", kProse}},
                    {}};
  const auto add = [&](const ReportHostClock& clock, uint64_t count, const std::string& what) {
    table.rows.push_back(
        {{shown_text(clock.host), count_text(count), shown_text(what)}, std::nullopt, ""});
  };
  for (const auto& clock : report.host_clocks) {
    add(clock, clock.packets_there, "from " + clock.against + " to it, used for its clock");
    add(clock, clock.packets_back, "from it to " + clock.against + ", used for its clock");
    if (clock.contradicting > 0)
      add(clock, clock.contradicting, "left out: received before they were sent");
    for (const auto& outcome : clock.outcomes) add(clock, outcome.count, outcome.name);
  }
  return table;
}

}  // namespace vmflow
