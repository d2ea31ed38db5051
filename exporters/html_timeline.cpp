// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/html_timeline.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/flow_names.h"
#include "exporters/html_path.h"
#include "exporters/html_text.h"
#include "exporters/interval_bytes.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

// About 30 bytes each: a page of 100 VMs has three megabytes of them.
constexpr size_t kMostOfAllPaths = 100'000;

Json states() {
  Json rows = Json::array();
  for (uint32_t state = 0; state <= FLOW_UNKNOWN; state++) {
    const auto name = state_name(static_cast<flow_state>(state));
    rows.push_back({{"name", name.name}, {"meaning", name.meaning}});
  }
  return rows;
}

Json vcpus(const ReportVm& vm, const ReportWindow& window) {
  Json rows = Json::array();
  for (const auto& vcpu : vm.vcpus) {
    const auto packed = pack_intervals(vcpu.intervals, window);
    rows.push_back({{"id", vcpu.vcpu_id},
                    {"tid", vcpu.tid},
                    {"count", packed.count},
                    {"left_out", vcpu.left_out + packed.outside},
                    {"data", packed.base64}});
  }
  return rows;
}

Json marks(const TraceReport& report) {
  Json rows = Json::array();
  for (const auto& mark : report.marks)
    if (mark.ns >= report.window.begin_ns && mark.ns <= report.window.end_ns)
      rows.push_back({{"ns", mark.ns - report.window.begin_ns}, {"text", shown_text(mark.text)}});
  return rows;
}

}  // namespace

std::string timeline_json(const TraceReport& report) {
  const auto& window = report.window;
  Json json{{"begin", std::to_string(window.begin_ns)},
            {"clock", shown_text(window.clock)},
            {"length", window.end_ns - std::min(window.begin_ns, window.end_ns)},
            {"states", states()},
            {"marks", marks(report)},
            {"details", Json::array()},
            {"vms", Json::array()}};
  if (window.begin_unix_ns) json["begin_unix"] = std::to_string(*window.begin_unix_ns);
  for (const auto& detail : report.details) json["details"].push_back(shown_text(detail));
  json["doings"] = doings_json();
  const size_t most = std::clamp<size_t>(kMostOfAllPaths / (report.vms.size() + 1), 100, 4000);
  if (report.path) json["path"] = html_path_json(*report.path, window, most);
  for (const auto& vm : report.vms) {
    Json one{{"name", shown_text(shown_name(vm.flow))},
             {"label", shown_text(vm.flow.label)},
             {"cause", shown_cause(vm.verdict)},
             {"sentence", shown_text(vm.verdict.sentence)},
             {"vcpus", vcpus(vm, window)}};
    if (vm.path) one["path"] = html_path_json(*vm.path, window, most);
    json["vms"].push_back(std::move(one));
  }
  return script_json(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace vmflow
