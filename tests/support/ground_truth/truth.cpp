// SPDX-License-Identifier: GPL-2.0-only
#include "truth.h"

#include <nlohmann/json.hpp>

namespace vmflow::ground_truth {
namespace {

using Json = nlohmann::ordered_json;

template <typename Counts>
Json counts_json(const Counts& counts) {
  Json json = Json::object();
  for (const auto& [name, value] : counts) json[name] = value;
  return json;
}

Json stats_json(const std::optional<KvmStats>& stats) {
  return stats ? counts_json(*stats) : Json(nullptr);
}

Json schedstat_json(const std::optional<SchedStat>& stat) {
  if (!stat) return nullptr;
  return {{"on_cpu_ns", stat->on_cpu_ns},
          {"run_delay_ns", stat->run_delay_ns},
          {"timeslices", stat->timeslices}};
}

Json vcpu_json(const VcpuTruth& vcpu) {
  return {{"vcpu", vcpu.vcpu},
          {"tid", vcpu.tid},
          {"exits", counts_json(vcpu.exits)},
          {"interrupts", vcpu.interrupts},
          {"pio",
           {{"count", vcpu.pio.count}, {"wall_ns", vcpu.pio.wall_ns}, {"cpu_ns", vcpu.pio.cpu_ns}}},
          {"run_calls", vcpu.run_calls},
          {"userspace_exits", counts_json(vcpu.userspace_exits)},
          {"kicks", vcpu.kicks},
          {"first_run_ns", vcpu.first_run_ns},
          {"first_return_ns", vcpu.first_return_ns},
          {"last_return_ns", vcpu.last_return_ns},
          {"thread_cpu_ns", vcpu.thread_cpu_ns},
          {"thread_end_ns", vcpu.thread_end_ns},
          {"cpu_after_return_ns", vcpu.cpu_after_return_ns},
          {"schedstat", schedstat_json(vcpu.schedstat)},
          {"kvm_stats", stats_json(vcpu.kvm_stats)}};
}

Json vm_json(const VmTruth& vm) {
  Json vcpus = Json::array();
  for (const auto& vcpu : vm.vcpus) vcpus.push_back(vcpu_json(vcpu));
  return {{"index", vm.index},
          {"round", vm.round},
          {"vcpus", std::move(vcpus)},
          {"kvm_stats", stats_json(vm.kvm_stats)}};
}

}  // namespace

std::string to_json(const Truth& truth) {
  Json vms = Json::array();
  for (const auto& vm : truth.vms) vms.push_back(vm_json(vm));
  return Json{{"program", truth.program},
              {"pid", truth.pid},
              {"repeat", truth.repeat},
              {"vms", std::move(vms)}}
      .dump();
}

}  // namespace vmflow::ground_truth
