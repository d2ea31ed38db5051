// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/process_json.h"

#include <algorithm>

#include "analysis/flow_names.h"
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

Json row(const VmProcesses& vm, const GuestProcess& process, uint64_t begin_ns) {
  Json waits, ready;
  for (uint32_t i = 0; i < kWaitReasons; i++)
    waits[std::string(wait_reason_name(static_cast<WaitReason>(i)))] = seconds(process.wait_ns[i]);
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
            {"wait_seconds", std::move(waits)},
            {"behind_others_seconds", seconds(process.behind_ns)},
            {"preempted_by_others", process.preempted},
            {"exits", process.exits},
            {"threads", process.threads},
            {"thread_switches", process.thread_switches},
            {"preempted_by_own_threads", process.preempted_by_threads},
            {"first_seconds", seconds_since(begin_ns, process.first_ns)},
            {"last_seconds", seconds_since(begin_ns, process.last_ns)}};
  json["behind"] = others(vm, process.behind, "seconds");
  json["wakers"] = others(vm, process.wakers, "wait_seconds");
  return json;
}

}  // namespace

nlohmann::ordered_json process_json(const VmProcesses& vm, uint64_t begin_ns) {
  Json rows = Json::array();
  for (size_t i = 0; i < std::min(kMost, vm.processes.size()); i++)
    rows.push_back(row(vm, vm.processes[i], begin_ns));
  return {{"guest_seconds", seconds(vm.guest_ns())},
          {"coverage_ratio", vm.coverage()},
          {"idle_seconds", seconds(vm.idle_ns)},
          {"untold_seconds", seconds(vm.untold_ns)},
          {"page_table_isolation", vm.isolated},
          {"process_count", vm.processes.size()},
          {"processes_left_out", vm.left_out},
          {"after_timer_ratio", vm.after_timer_ratio},
          {"processes", std::move(rows)}};
}

}  // namespace vmflow
