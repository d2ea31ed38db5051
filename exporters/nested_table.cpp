// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <algorithm>

#include "analysis/amount_text.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

constexpr size_t kMost = 16;

/// "1.2 s disk": how long, and for what most.
std::string waits_text(const NestedVcpu& vcpu) {
  const auto ns = vcpu.state_ns[static_cast<size_t>(NestedState::kWaiting)];
  if (ns == 0) return "-";
  const auto most = std::ranges::max_element(vcpu.wait_ns);
  return fmt::format("{} {}", time_text(ns),
                     wait_reason_name(static_cast<WaitReason>(most - vcpu.wait_ns.begin())));
}

}  // namespace

ReportTable nested_table(const VmNested& nested) {
  constexpr auto kNumber = ColumnKind::kNumber;
  ReportTable table{
      fmt::format("{} of the guests that it runs, by VMCB12 or VMCS12: in the guest, in guests of "
                  "its own, hypervisor and host at work for it, preempted by either, waiting:",
                  counted_text(nested.vcpus.size(), "vCPU")),
      {{"Nested vCPU"},
       {"Guest", kNumber},
       {"Own", kNumber},
       {"Hypervisor", kNumber},
       {"Host", kNumber},
       {"Preempted", kNumber},
       {"Waits"}},
      {}};
  for (size_t i = 0; i < std::min(kMost, nested.vcpus.size()); i++) {
    const auto& vcpu = nested.vcpus[i];
    const auto ns = [&](NestedState state) { return vcpu.state_ns[static_cast<size_t>(state)]; };
    const auto share = [&](uint64_t ns) { return share_text(ns, vcpu.whole_ns()); };
    table.rows.push_back(
        {{fmt::format("L{} {:x}", vcpu.level, vcpu.vmcb12), share(ns(NestedState::kRunning)),
          share(ns(NestedState::kOwnGuest)), share(ns(NestedState::kHypervisor)),
          share(ns(NestedState::kHost)),
          share(ns(NestedState::kReady) + ns(NestedState::kPreempted)), waits_text(vcpu)},
         std::nullopt,
         ""});
  }
  return table;
}

}  // namespace vmflow
