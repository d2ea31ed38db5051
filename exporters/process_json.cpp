// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/process_json.h"

#include <algorithm>

#include "analysis/flow_names.h"
#include "analysis/process_workload.h"
#include "analysis/seconds.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMost = 100;

double seconds_since(uint64_t begin_ns, uint64_t ns) {
  return static_cast<double>(static_cast<int64_t>(ns - begin_ns)) / 1e9;
}

Json others(const VmProcesses& vm, const std::vector<OtherProcess>& others, const char* what) {
  Json rows = Json::array();
  for (size_t i = 0; i < std::min(kMost, others.size()); i++)
    rows.push_back({{"process", process_name(vm.processes[others[i].process].key)},
                    {"count", others[i].count},
                    {what, seconds(others[i].ns)}});
  return rows;
}

Json waits_json(const std::array<uint64_t, kWaitReasons>& wait_ns) {
  Json waits;
  for (uint32_t i = 0; i < kWaitReasons; i++)
    waits[std::string(wait_reason_name(static_cast<WaitReason>(i)))] = seconds(wait_ns[i]);
  return waits;
}

/// Null where nothing tells who woke whom.
void add_rank(Json& json, const VmProcesses& vm, size_t i) {
  json["rank"] = vm.ranks ? Json(vm.ranks->rank[i]) : Json();
  json["group"] = vm.ranks ? Json(vm.ranks->group[i] + 1) : Json();
  json["is_noise"] = vm.ranks ? Json(!vm.ranks->kept[i]) : Json();
}

Json workload_json(const VmProcesses& vm) {
  const auto load = process_workload(vm);
  return {{"process_count", load.processes},
          {"noise_count", load.left_out},
          {"guest_seconds", seconds(load.guest_ns)},
          {"behind_others_seconds", seconds(load.behind_ns)},
          {"wait_seconds", waits_json(load.wait_ns)}};
}

Json row(const VmProcesses& vm, size_t place, uint64_t begin_ns) {
  const auto& process = vm.processes[place];
  Json ready;
  for (uint32_t i = 0; i < FLOW_CULPRITS; i++)
    ready[std::string(culprit_name(static_cast<flow_culprit>(i)))] = seconds(process.ready_ns[i]);
  Json json{{"process", process_name(process.key)},
            {"level", process.level},
            {"guest_seconds", seconds(process.guest_ns())},
            {"certain_guest_seconds", seconds(process.certain_ns)},
            {"host_seconds", seconds(process.host_ns)},
            {"blocked_seconds", seconds(process.blocked_ns)},
            {"nested_seconds", seconds(process.nested_ns)},
            {"hypervisor_seconds", seconds(process.hypervisor_ns)},
            {"ready_by_culprit_seconds", std::move(ready)},
            {"wait_seconds", waits_json(process.wait_ns)},
            {"behind_others_seconds", seconds(process.behind_ns)},
            {"preempted_by_others", process.preempted},
            {"exits", process.exits},
            {"threads", process.threads},
            {"thread_switches", process.thread_switches},
            {"preempted_by_own_threads", process.preempted_by_threads},
            {"first_seconds", seconds_since(begin_ns, process.first_ns)},
            {"last_seconds", seconds_since(begin_ns, process.last_ns)}};
  add_rank(json, vm, place);
  json["behind"] = others(vm, process.behind, "seconds");
  json["wakers"] = others(vm, process.wakers, "wait_seconds");
  return json;
}

}  // namespace

nlohmann::ordered_json process_json(const VmProcesses& vm, uint64_t begin_ns) {
  Json rows = Json::array();
  for (size_t i = 0; i < std::min(kMost, vm.processes.size()); i++)
    rows.push_back(row(vm, i, begin_ns));
  return {{"guest_seconds", seconds(vm.guest_ns())}, {"coverage_ratio", vm.coverage()},
          {"idle_seconds", seconds(vm.idle_ns)},     {"untold_seconds", seconds(vm.untold_ns)},
          {"page_table_isolation", vm.isolated},     {"process_count", vm.processes.size()},
          {"processes_left_out", vm.left_out},       {"after_timer_ratio", vm.after_timer_ratio},
          {"workload", workload_json(vm)},           {"processes", std::move(rows)}};
}

}  // namespace vmflow
