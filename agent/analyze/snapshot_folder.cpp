// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/snapshot_folder.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/vm_label.h"
#include "exporters/snapshot_json.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

/// A moment is marked only where the trace reaches.
void mark(TraceReport& report, const Json& ns, std::string text) {
  if (!ns.is_number_unsigned()) return;
  const auto at = ns.get<uint64_t>();
  if (at >= report.window.begin_ns && at <= report.window.end_ns)
    report.marks.push_back({at, std::move(text)});
}

Json read_finding(const std::filesystem::path& folder) {
  std::ifstream file(folder / kFindingFile);
  return Json::parse(file, nullptr, false);
}

}  // namespace

uint64_t onset_of(const std::filesystem::path& folder) {
  try {
    const auto json = read_finding(folder);
    return json.at("finding").is_object() ? json.at("finding").at("since_ns").get<uint64_t>() : 0;
  } catch (const Json::exception&) {
    return 0;
  }
}

void add_finding(const std::filesystem::path& folder, TraceReport since_onset,
                 TraceReport& report) {
  const auto json = read_finding(folder);
  try {
    const ReportTrigger trigger{.name = sanitise(json.at("trigger").get<std::string>()),
                                .vm = sanitise(json.at("vm").at("id").get<std::string>()),
                                .text = sanitise(json.at("reason").get<std::string>())};
    report.host.kernel = sanitise(json.at("host").at("kernel").get<std::string>());
    report.title = "vmflow snapshot " + sanitise(json.at("id").get<std::string>());
    if (const auto onset_ns = onset_of(folder)) mark(report, onset_ns, "onset");
    mark(report, json.at("asked_ns"), "trigger: " + trigger.name);
    report.trigger = since_onset.trigger = trigger;
  } catch (const Json::exception&) {
    return;
  }
  report.finding.clear();
  since_onset.finding.clear();
  if (!since_onset.vms.empty())
    report.finding = "Since the onset, " + judged(std::move(since_onset)).finding;
  report = judged(std::move(report));
}

}  // namespace vmflow
