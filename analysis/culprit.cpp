// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/culprit.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace vmflow {
namespace {

std::string comm_of(const blame& value) {
  return sanitise({value.comm, strnlen(value.comm, sizeof(value.comm))});
}

/// The label of the culprit: of the VM whose vCPU ran, or of a VM of the process that ran.
std::string label_of(const Carry& carry, const blame_key& key) {
  if (key.culprit_kvm != 0) {
    const auto exact = carry.vms.find(VmKey{key.culprit_tgid, key.culprit_kvm});
    return exact == carry.vms.end() ? std::string() : exact->second.label;
  }
  const auto first = carry.vms.lower_bound(VmKey{key.culprit_tgid, 0});
  return first == carry.vms.end() || first->first.tgid != key.culprit_tgid ? std::string()
                                                                           : first->second.label;
}

CulpritFlow row_of(const Carry& carry, const std::string& victim, const BlameReading& blame) {
  const auto kind = static_cast<flow_culprit>(blame.key.culprit);
  CulpritFlow row{.victim = victim, .kind = kind, .vm = {}, .task = {}, .pid = 0, .ns = 0};
  row.ns = blame.value.ns;
  if (kind == FLOW_CULPRIT_NONE || kind == FLOW_CULPRIT_UNKNOWN) return row;
  row.pid = blame.key.culprit_tgid;
  if (kind == FLOW_CULPRIT_OTHER_VM || kind == FLOW_CULPRIT_OWN_VM)
    row.vm = label_of(carry, blame.key);
  if (blame.key.culprit_kvm == 0) row.task = comm_of(blame.value);
  return row;
}

}  // namespace

std::vector<CulpritFlow> culprits_of(const Snapshot& snapshot, const Carry& carry,
                                     const std::vector<VmFlow>& vms) {
  std::vector<CulpritFlow> rows;
  std::map<std::string, std::array<uint64_t, FLOW_CULPRITS>> left;
  for (const auto& vm : vms) left[vm.label] = vm.culprit_ns;
  for (const auto& blame : snapshot.blames) {
    const auto victim = carry.vms.find(VmKey{blame.key.tgid, blame.key.kvm});
    if (victim == carry.vms.end() || blame.key.culprit >= FLOW_CULPRITS) continue;
    auto row = row_of(carry, victim->second.label, blame);
    // An entry that an earlier VM at the same address has left never makes a row larger than its
    // sum.
    auto& rest = left[row.victim][row.kind];
    row.ns = std::min(row.ns, rest);
    rest -= row.ns;
    if (row.ns != 0) rows.push_back(std::move(row));
  }
  for (const auto& [victim, by_kind] : left)
    for (uint32_t kind = 0; kind < FLOW_CULPRITS; kind++)
      if (by_kind[kind] != 0)
        rows.push_back({.victim = victim,
                        .kind = static_cast<flow_culprit>(kind),
                        .vm = {},
                        .task = {},
                        .pid = 0,
                        .ns = by_kind[kind]});
  std::ranges::sort(rows, [](const CulpritFlow& a, const CulpritFlow& b) {
    return std::tie(a.victim, b.ns, a.kind, a.pid) < std::tie(b.victim, a.ns, b.kind, b.pid);
  });
  return rows;
}

}  // namespace vmflow
