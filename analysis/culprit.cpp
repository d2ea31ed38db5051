// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/culprit.h"

#include <algorithm>
#include <cstring>
#include <iterator>
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

/// `vms.size()`: it is none of them.
size_t place_of(const std::vector<VmFlow>& vms, const std::string& label) {
  const auto found = std::ranges::lower_bound(vms, label, {}, &VmFlow::label);
  return found != vms.end() && found->label == label ? static_cast<size_t>(found - vms.begin())
                                                     : vms.size();
}

/// Those of one victim, and what is `left` without a name.
void append_rows(std::vector<CulpritFlow>& rows, const std::string& victim,
                 std::vector<CulpritFlow> named, const std::array<uint64_t, FLOW_CULPRITS>& left) {
  const auto first = static_cast<std::ptrdiff_t>(rows.size());
  std::ranges::move(named, std::back_inserter(rows));
  for (uint32_t kind = 0; kind < FLOW_CULPRITS; kind++)
    if (left[kind] != 0)
      rows.push_back({.victim = victim,
                      .kind = static_cast<flow_culprit>(kind),
                      .vm = {},
                      .task = {},
                      .pid = 0,
                      .ns = left[kind]});
  std::ranges::sort(rows.begin() + first, rows.end(),
                    [](const CulpritFlow& a, const CulpritFlow& b) {
                      return std::tie(b.ns, a.kind, a.pid) < std::tie(a.ns, b.kind, b.pid);
                    });
}

}  // namespace

std::vector<CulpritFlow> culprits_of(const Snapshot& snapshot, const Carry& carry,
                                     const std::vector<VmFlow>& vms) {
  std::vector<std::array<uint64_t, FLOW_CULPRITS>> left;
  left.reserve(vms.size());
  for (const auto& vm : vms) left.push_back(vm.culprit_ns);
  std::vector<std::vector<CulpritFlow>> named(vms.size());
  for (const auto& blame : snapshot.blames) {
    const auto victim = carry.vms.find(VmKey{blame.key.tgid, blame.key.kvm});
    if (victim == carry.vms.end() || blame.key.culprit >= FLOW_CULPRITS) continue;
    const size_t place = place_of(vms, victim->second.label);
    if (place == vms.size()) continue;
    auto row = row_of(carry, victim->second.label, blame);
    // An entry that an earlier VM at the same address has left never makes a row larger than its
    // sum.
    auto& rest = left[place][row.kind];
    row.ns = std::min(row.ns, rest);
    rest -= row.ns;
    if (row.ns != 0) named[place].push_back(std::move(row));
  }
  std::vector<CulpritFlow> rows;
  for (size_t place = 0; place < vms.size(); place++)
    append_rows(rows, vms[place].label, std::move(named[place]), left[place]);
  return rows;
}

}  // namespace vmflow
