// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/path_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "analysis/amount_text.h"
#include "analysis/guest_process.h"
#include "analysis/path_sentence.h"
#include "analysis/shown_name.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

constexpr size_t kWorkersNamed = 30;

const VmName& name_of(const VmNames& names, const Worker& worker) {
  static const VmName kNone;
  const auto known = names.vms.find({worker.host, worker.vm.tgid});
  return known == names.vms.end() ? kNone : known->second;
}

/// " on host-b", or nothing if there is one host.
std::string on_host(const VmNames& names, uint32_t host) {
  return host < names.hosts.size() ? " on " + names.hosts[host] : "";
}

std::string thread_name(const Worker& worker) {
  const auto name = sanitise(text_of(worker.comm));
  if (name.empty()) return fmt::format("thread {}", worker.tid);
  return worker.kind == WorkerKind::kVhost ? name : fmt::format("{} (tid {})", name, worker.tid);
}

std::string worker_name(const Worker& worker, const std::string& vm) {
  switch (worker.kind) {
    case WorkerKind::kVcpu:
      return fmt::format("vCPU {} of {}", worker.vcpu_id, vm);
    case WorkerKind::kProcess:
      return fmt::format("{} in {}", process_name(worker.process), vm);
    case WorkerKind::kVhost:
    case WorkerKind::kVmm:
    case WorkerKind::kHostTask:
      break;
  }
  return thread_name(worker) + (vm.empty() ? "" : " of " + vm);
}

ReportWorker report_worker(const Worker& worker, const VmNames& names) {
  const auto& vm = name_of(names, worker);
  const auto host = on_host(names, worker.host);
  const auto shown = vm.shown.empty() && worker.vm.tgid != 0
                         ? fmt::format("process {}{}", worker.vm.tgid, host)
                         : vm.shown;
  return {.kind = worker.kind,
          .name = worker_name(worker, shown) + (shown.empty() ? host : ""),
          .vm = vm.label,
          .vm_name = shown,
          .vcpu_id = worker.vcpu_id,
          .tid = worker.tid};
}

/// What the user may write for it; empty: nothing.
std::string written(const Worker& worker, const VmNames& names) {
  const auto& vm = name_of(names, worker).name;
  if (worker.kind == WorkerKind::kVcpu) return fmt::format("{}/vcpu{}", vm, worker.vcpu_id);
  if (worker.kind == WorkerKind::kProcess) return vm + "/" + process_name(worker.process);
  return std::to_string(worker.tid);
}

bool is_vm(const VmNames& names, const Worker& worker, std::string_view text) {
  const auto& name = name_of(names, worker);
  return text == name.label || text == name.name || text == name.shown ||
         text == std::to_string(worker.vm.tgid);
}

bool is_meant(const Worker& worker, const VmNames& names, std::string_view text) {
  const auto slash = text.rfind('/');
  const bool has_vm = slash != std::string_view::npos;
  if (has_vm && !is_vm(names, worker, text.substr(0, slash))) return false;
  const auto what = has_vm ? text.substr(slash + 1) : text;
  if (worker.kind == WorkerKind::kProcess) return what == process_name(worker.process);
  if (worker.kind == WorkerKind::kVcpu && has_vm)
    return what == fmt::format("vcpu{}", worker.vcpu_id);
  return worker.tid != 0 && what == std::to_string(worker.tid);
}

/// Gives the path places of its own.
class Places {
 public:
  Places(const ExecutionGraph& graph, const VmNames& names, ReportPath& report)
      : graph_(graph), names_(names), report_(report) {}

  uint32_t of(uint32_t worker) {
    if (worker >= graph_.workers.size()) return kNoWorker;
    const auto next = static_cast<uint32_t>(report_.workers.size());
    const auto [known, is_new] = places_.try_emplace(worker, next);
    if (is_new) report_.workers.push_back(report_worker(graph_.workers[worker], names_));
    return known->second;
  }

 private:
  const ExecutionGraph& graph_;
  const VmNames& names_;
  ReportPath& report_;
  std::map<uint32_t, uint32_t> places_;
};

}  // namespace

VmNames vm_names(const FlowModel& model) {
  VmNames names;
  for (const auto& vm : model.vms)
    names.vms.try_emplace({0, vm.pid}, VmName{vm.label, shown_name(vm), shown_name(vm)});
  return names;
}

VmNames joined_names(std::vector<VmNames> each, std::vector<std::string> hosts) {
  VmNames all{.vms = {}, .hosts = std::move(hosts)};
  for (uint32_t host = 0; host < each.size(); host++)
    for (auto& [place, name] : each[host].vms) {
      name.shown = name.name + on_host(all, host);
      all.vms.try_emplace({host, place.second}, std::move(name));
    }
  return all;
}

ReportPath report_path(const ExecutionGraph& graph, uint32_t worker, const VmNames& names) {
  return report_path(graph, worker, names, graph.begin_ns, graph.end_ns);
}

ReportPath report_path(const ExecutionGraph& graph, uint32_t worker, const VmNames& names,
                       uint64_t begin_ns, uint64_t end_ns) {
  ReportPath report{
      .sentence = "", .workers = {}, .path = critical_path(graph, worker, begin_ns, end_ns)};
  Places places(graph, names, report);
  report.path.worker = places.of(worker);
  for (auto& each : report.path.stretches) {
    each.worker = places.of(each.worker);
    each.by = places.of(each.by);
  }
  for (auto& each : report.path.parts) {
    each.worker = places.of(each.worker);
    each.by = places.of(each.by);
  }
  report.sentence = path_sentence(report);
  return report;
}

std::string part_text(const ReportPath& path, const PathPart& part) {
  const auto by = part.by < path.workers.size() ? path.workers[part.by].name : "";
  if (part.doing == Doing::kRunning) return fmt::format("running at L{}", part.level);
  if (by.empty()) return std::string(doing_name(part.doing));
  return fmt::format("{} {} {}", doing_name(part.doing),
                     part.doing == Doing::kReady ? "behind" : "until", by);
}

uint32_t find_worker(const ExecutionGraph& graph, const VmNames& names, std::string_view text) {
  for (uint32_t i = 0; i < graph.workers.size(); i++)
    if (is_meant(graph.workers[i], names, text)) return i;
  return kNoWorker;
}

std::string workers_text(const ExecutionGraph& graph, const VmNames& names) {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < graph.workers.size(); i++)
    if (!graph.chains[i].empty()) order.push_back(i);
  std::ranges::stable_sort(order, [&](uint32_t a, uint32_t b) {
    const auto &one = graph.workers[a], &other = graph.workers[b];
    if (one.kind != other.kind) return one.kind < other.kind;
    return graph.chains[a].size() > graph.chains[b].size();
  });
  std::string text;
  for (size_t i = 0; i < std::min(order.size(), kWorkersNamed); i++) {
    const auto& worker = graph.workers[order[i]];
    text += (i == 0 ? "" : ", ") + written(worker, names);
    if (worker.kind != WorkerKind::kVcpu && worker.kind != WorkerKind::kProcess)
      text += fmt::format(" ({})", sanitise(text_of(worker.comm)));
  }
  if (order.empty()) return "none";
  return order.size() > kWorkersNamed
             ? text + fmt::format(" and {} more", order.size() - kWorkersNamed)
             : text;
}

}  // namespace vmflow
