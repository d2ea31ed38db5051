// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/api_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/flow_names.h"
#include "analysis/seconds.h"
#include "exporters/counters_json.h"
#include "exporters/culprit_json.h"
#include "exporters/nested_json.h"
#include "exporters/process_json.h"
#include "exporters/use_json.h"
#include "exporters/verdict_json.h"

namespace vmflow {
namespace {

constexpr std::string_view kVmsPath = "/vms", kProcessesPath = "/processes",
                           kCulpritsPath = "/culprits", kVerdictPath = "/verdict",
                           kCountersPath = "/counters";

using Json = nlohmann::ordered_json;

Json states(const std::array<uint64_t, FLOW_STATES>& ns) {
  Json states;
  for (uint32_t state = 0; state < FLOW_STATES; state++)
    states[std::string(state_name(static_cast<flow_state>(state)).name)] = seconds(ns[state]);
  return states;
}

Json waits(const VmFlow& vm) {
  Json waits;
  for (uint32_t reason = 0; reason < kWaitReasons; reason++)
    waits[std::string(wait_reason_name(static_cast<WaitReason>(reason)))] =
        seconds(vm.wait_ns[reason]);
  return waits;
}

Json blocked(const VmFlow& vm) {
  Json blocked;
  for (uint32_t block = 0; block < FLOW_BLOCKS; block++)
    blocked[std::string(block_name(static_cast<flow_block>(block)))] = seconds(vm.block_ns[block]);
  return blocked;
}

Json ready(const VmFlow& vm, bool tells_irq) {
  Json ready;
  for (uint32_t culprit = 0; culprit < FLOW_CULPRITS; culprit++)
    if (culprit != FLOW_CULPRIT_IRQ || tells_irq)
      ready[std::string(culprit_name(static_cast<flow_culprit>(culprit)))] =
          seconds(vm.culprit_ns[culprit]);
  return ready;
}

Json preemptions(const VmFlow& vm) {
  Json preemptions;
  for (uint32_t culprit = 0; culprit < FLOW_CULPRITS; culprit++)
    if (is_preempter(static_cast<flow_culprit>(culprit)))
      preemptions[std::string(culprit_name(static_cast<flow_culprit>(culprit)))] =
          vm.preemptions[culprit];
  return preemptions;
}

/// Which vCPU's halts another one's interrupts have ended.
Json wakers(const VmFlow& vm) {
  Json wakers = Json::array();
  for (const auto& pair : vm.wakers) {
    Json row{{"vcpu", pair.vcpu_id}};
    if (pair.by_vcpu_id) row["by_vcpu"] = *pair.by_vcpu_id;
    row["count"] = pair.count;
    row["seconds"] = seconds(pair.ns);
    wakers.push_back(std::move(row));
  }
  return wakers;
}

Json exits(const VmFlow& vm) {
  Json exits = Json::object();
  for (const auto& exit : vm.exits)
    exits[exit.reason] = {{"count", exit.count}, {"seconds", seconds(exit.ns)}};
  return exits;
}

Json userspace_exits(const VmFlow& vm) {
  Json exits = Json::object();
  for (const auto& exit : vm.userspace_exits) exits[exit.name] = exit.count;
  return exits;
}

Json disk(const DiskFlow& flow) {
  Json disk{{"in_flight", flow.in_flight},
            {"halted_pending_seconds", seconds(flow.halted_ns)},
            {"contended_seconds", seconds(flow.contended_ns)},
            {"wait_for_others_seconds", seconds(flow.waited_ns)},
            {"throttled_seconds", seconds(flow.held_ns)}};
  for (uint32_t op = 0; op < FLOW_DISK_OPS; op++)
    disk[std::string(disk_op_name(static_cast<flow_disk_op>(op)))] = {
        {"operations", flow.done[op].operations},
        {"bytes", flow.done[op].bytes},
        {"seconds", seconds(flow.done[op].ns)}};
  return disk;
}

Json packets(const net_count& count) {
  return {{"packets", count.packets}, {"bytes", count.bytes}};
}

Json net(const NetFlow& flow) {
  Json net{{"receive", packets(flow.received)}};
  if (!flow.tap) return net;
  net["transmit"] = packets(flow.tap->transmitted);
  net["waiting"] = flow.tap->waiting;
  net["wait_seconds"] = seconds(flow.tap->waited_ns);
  net["drops"] = flow.tap->dropped;
  net["halted_pending_seconds"] = seconds(flow.tap->halted_ns);
  return net;
}

Json interrupts(const std::array<uint64_t, kWaitReasons>& counts) {
  Json interrupts;
  for (uint32_t reason = 0; reason < kWaitReasons; reason++)
    interrupts[std::string(wait_reason_name(static_cast<WaitReason>(reason)))] = counts[reason];
  return interrupts;
}

Json helpers(const RoleTimes& times) {
  Json helpers;
  for (uint32_t role = 0; role < kThreadRoles; role++)
    helpers[std::string(thread_role_name(static_cast<ThreadRole>(role)))] = {
        {"cpu_seconds", seconds(times[role].cpu_ns)},
        {"ready_seconds", seconds(times[role].ready_ns)}};
  return helpers;
}

/// An address as L1 has it.
std::string address(uint64_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

template <size_t kLevels>
Json levels(const std::array<uint64_t, kLevels>& ns) {
  Json levels;
  for (uint32_t level = 0; level < FLOW_LEVEL_REST; level++)
    levels[std::string(level_name(static_cast<flow_level>(level)))] = seconds(ns[level]);
  return levels;
}

Json nested_vm(const NestedVm& vm, uint64_t now_ns) {
  const auto ago = [&](uint64_t ns) { return seconds(std::max(now_ns, ns) - ns); };
  Json vcpus = Json::array(), exits = Json::object();
  for (const auto vmcb12 : vm.vcpus) vcpus.push_back(address(vmcb12));
  for (const auto& exit : vm.exits)
    exits[exit.reason] = {{"handled", exit.handled}, {"reflected", exit.reflected}};
  return {{"id", address(vm.id)},           {"root", address(vm.root)},
          {"vmcb12", std::move(vcpus)},     {"seconds", levels(vm.level_ns)},
          {"exits", std::move(exits)},      {"entries", vm.entries},
          {"deeper_entries", vm.deeper},    {"age_seconds", ago(vm.first_ns)},
          {"idle_seconds", ago(vm.last_ns)}};
}

/// Whose the time of the VM's vCPUs is, and its nested VMs.
void add_nested(Json& json, const VmFlow& vm, uint64_t now_ns) {
  json["nested_seconds"] = levels(vm.levels->level_ns);
  json["rest_seconds"] = seconds(vm.levels->level_ns[FLOW_LEVEL_REST]);
  json["nested_pending_seconds"] = seconds(vm.levels->pending_ns);
  json["nested_exits"] = {{"handled", vm.levels->handled}, {"reflected", vm.levels->reflected}};
  json["nested"] = Json::array();
  for (const auto& nested : vm.nested) json["nested"].push_back(nested_vm(nested, now_ns));
}

Json vcpus(const VmFlow& vm) {
  Json vcpus = Json::array();
  for (const auto& vcpu : vm.per_vcpu)
    vcpus.push_back({{"vcpu", vcpu.vcpu_id},
                     {"tid", vcpu.tid},
                     {"seconds", states(vcpu.time.state_ns)},
                     {"unaccounted_seconds", seconds(vcpu.time.unaccounted_ns)}});
  return vcpus;
}

Json summary(const VmFlow& vm) {
  return {{"id", vm.label},
          {"name", vm.name},
          {"uuid", vm.uuid},
          {"vmm", vm.vmm},
          {"pid", vm.pid},
          {"start_time_unix_seconds", vm.start_time_unix_seconds},
          {"vcpu_count", vm.vcpus},
          {"seconds", states(vm.time.state_ns)},
          {"unaccounted_seconds", seconds(vm.time.unaccounted_ns)}};
}

/// A row of the list: what a reader of all VMs needs, so that one look of the agent is enough.
Json list_row(const VmFlow& vm, const FlowModel& model) {
  auto json = summary(vm);
  json["wait_seconds"] = waits(vm);
  uint64_t count = 0;
  for (const auto& exit : vm.exits) count += exit.count;
  json["exit_count"] = count;
  json["verdict"] = short_verdict_json(vm, model);
  json["use"] = use_json(vm.use);
  return json;
}

Json whole(const VmFlow& vm, uint64_t now_ns, bool tells_irq) {
  auto json = summary(vm);
  json["monotonic_seconds"] = seconds(now_ns);
  json["open_wait_seconds"] = states(vm.open_wait_ns);
  json["wait_seconds"] = waits(vm);
  json["blocked_seconds"] = blocked(vm);
  json["ready_by_culprit_seconds"] = ready(vm, tells_irq);
  json["preemptions"] = preemptions(vm);
  json["skew_seconds"] = seconds(vm.skew_ns);
  json["wakers"] = wakers(vm);
  json["exits"] = exits(vm);
  json["userspace_exits"] = userspace_exits(vm);
  if (vm.helpers) json["threads"] = helpers(*vm.helpers);
  if (vm.disk) json["disk"] = disk(*vm.disk);
  if (vm.levels) add_nested(json, vm, now_ns);
  if (vm.net) json["net"] = net(*vm.net);
  if (vm.interrupts) json["interrupts"] = interrupts(*vm.interrupts);
  json["vcpus"] = vcpus(vm);
  json["use"] = use_json(vm.use);
  return json;
}

std::string answer(Json content) {
  Json json{{"version", kApiVersion}};
  json.update(content);
  // What a tenant has chosen is UTF-8 by now; if it were not, it would be replaced, not thrown at.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::optional<std::string> api_json(const FlowModel& model, std::string_view path) {
  if (path == kCulpritsPath) return answer({{"culprits", culprits_json(model, nullptr)}});
  if (path == kCountersPath) return answer(counters_json(model));
  if (!path.starts_with(kVmsPath)) return std::nullopt;
  path.remove_prefix(kVmsPath.size());
  if (path.empty()) {
    Json vms = Json::array();
    for (const auto& vm : model.vms) vms.push_back(list_row(vm, model));
    return answer({{"monotonic_seconds", seconds(model.now_ns)}, {"vms", std::move(vms)}});
  }
  const bool wants_culprits = path.ends_with(kCulpritsPath);
  const bool wants_verdict = path.ends_with(kVerdictPath);
  if (wants_culprits) path.remove_suffix(kCulpritsPath.size());
  if (wants_verdict) path.remove_suffix(kVerdictPath.size());
  if (!path.starts_with('/')) return std::nullopt;
  const auto* vm = vm_called(model, path.substr(1));
  if (vm == nullptr) return std::nullopt;
  if (wants_verdict) return answer(verdict_json(*vm, model));
  if (!wants_culprits) return answer(whole(*vm, model.now_ns, model.tells_irq));
  return answer({{"id", vm->label},
                 {"name", vm->name},
                 {"ready_seconds", seconds(vm->time.state_ns[FLOW_READY])},
                 {"open_wait_seconds", seconds(vm->open_wait_ns[FLOW_READY])},
                 {"culprits", culprits_json(model, vm)}});
}

bool wants_processes(std::string_view path) {
  return path.starts_with(kVmsPath) && path.ends_with(kProcessesPath);
}

std::optional<std::string> api_processes_json(const FlowModel& model, std::string_view path,
                                              const InsideVms& inside) {
  path.remove_suffix(kProcessesPath.size());
  path.remove_prefix(kVmsPath.size());
  const auto* vm = path.starts_with('/') ? vm_called(model, path.substr(1)) : nullptr;
  if (vm == nullptr) return std::nullopt;
  const auto is_its = [&](const auto& one) { return one.vm.tgid == vm->pid; };
  const auto its = std::ranges::find_if(inside.processes, is_its);
  const auto nested = std::ranges::find_if(inside.nested, is_its);
  Json json{{"id", vm->label},
            {"name", vm->name},
            {"window_seconds", seconds(inside.end_ns - std::min(inside.begin_ns, inside.end_ns))}};
  if (nested != inside.nested.end()) json["nested_vcpus"] = nested_json(*nested);
  if (its != inside.processes.end())
    json.update(process_json(*its, inside.begin_ns));
  else
    json.update({{"processes", Json::array()},
                 {"why",
                  "no registers of this VM were recorded: they are with --trace.registers, "
                  "on AMD hosts, in mode flight"}});
  return answer(std::move(json));
}

std::string api_error(std::string_view message) {
  return answer({{"error", message}});
}

}  // namespace vmflow
