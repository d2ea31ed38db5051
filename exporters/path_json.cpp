// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/path_json.h"

#include "analysis/seconds.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

std::string_view kind_name(WorkerKind kind) {
  switch (kind) {
    case WorkerKind::kVcpu:
      return "vcpu";
    case WorkerKind::kProcess:
      return "guest_process";
    case WorkerKind::kVhost:
      return "vhost";
    case WorkerKind::kVmm:
      return "vmm";
    case WorkerKind::kHostTask:
      break;
  }
  return "host_task";
}

std::string name_of(const ReportPath& report, uint32_t place) {
  return place < report.workers.size() ? report.workers[place].name : "";
}

Json parts(const ReportPath& report) {
  Json rows = Json::array();
  for (const auto& part : report.path.parts) {
    Json row{{"worker", name_of(report, part.worker)}, {"what", doing_name(part.doing)}};
    if (part.doing == Doing::kRunning) row["level"] = part.level;
    if (part.by < report.workers.size()) row["by"] = name_of(report, part.by);
    row["seconds"] = seconds(part.ns);
    row["count"] = part.count;
    rows.push_back(std::move(row));
  }
  return rows;
}

Json workers(const ReportPath& report) {
  Json rows = Json::array();
  for (const auto& worker : report.workers) {
    Json row{{"name", worker.name}, {"kind", kind_name(worker.kind)}};
    if (!worker.vm.empty()) row["vm"] = worker.vm;
    if (worker.tid != 0) row["tid"] = worker.tid;
    rows.push_back(std::move(row));
  }
  return rows;
}

void write_stretches(RowsText& rows, const ReportPath& report, uint64_t begin_ns) {
  const auto since = [&](uint64_t ns) { return static_cast<int64_t>(ns - begin_ns); };
  const auto place = [](uint32_t worker) {
    return worker == kNoWorker ? int64_t{-1} : int64_t{worker};
  };
  for (const auto& each : report.path.stretches)
    rows.begin_row()
        .number(since(each.begin_ns))
        .number(since(each.end_ns))
        .number(place(each.worker))
        .word(doing_name(each.doing))
        .number(each.level)
        .number(place(each.by))
        .end_row();
}

}  // namespace

Json path_json(const ReportPath& report, uint64_t window_begin_ns, LongLists* lists) {
  const auto& path = report.path;
  Json json{{"worker", name_of(report, path.worker)},
            {"sentence", report.sentence},
            {"seconds", seconds(path.end_ns - path.begin_ns)},
            {"not_followed", path.not_followed},
            {"parts", parts(report)}};
  json["stretch_count"] = path.stretches.size();
  if (lists == nullptr) return json;
  json["workers"] = workers(report);
  json["stretches"] = lists->add(path.stretches.size(), [&report, window_begin_ns](RowsText& rows) {
    write_stretches(rows, report, window_begin_ns);
  });
  return json;
}

}  // namespace vmflow
