// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/trace_report.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "analysis/amount_text.h"

namespace vmflow {
namespace {

constexpr std::string_view kNoMoreDetails = "(too many different details to keep)";

bool is_hurt(const ReportVm& vm) {
  return vm.verdict.lost_ns > 0;
}

/// The share that was lost, then the share that its cause took at all. A VM of twice the vCPUs is
/// not twice as slow.
std::pair<double, double> shares(const ReportVm& vm) {
  const auto& verdict = vm.verdict;
  const auto whole = static_cast<double>(std::max<uint64_t>(verdict.of_ns, 1));
  return {static_cast<double>(verdict.lost_ns) / whole,
          static_cast<double>(verdict.cost_ns) / whole};
}

/// Those of a kind whose names are not known are one.
void add_culprit(std::vector<NamedCulprit>& culprits, const NamedCulprit& culprit) {
  const auto same = std::ranges::find_if(culprits, [&](const NamedCulprit& other) {
    return other.kind == culprit.kind && other.who.empty();
  });
  if (!culprit.who.empty() || same == culprits.end()) return culprits.push_back(culprit);
  same->ns += culprit.ns;
  same->pid = 0;
}

/// Shape: the VMs are in order.
std::string finding(const TraceReport& report) {
  if (report.vms.empty()) return "The trace shows no VM.";
  auto vm = std::ranges::find(report.vms, report.trigger.vm,
                              [](const ReportVm& each) { return each.flow.label; });
  if (report.trigger.vm.empty() || vm == report.vms.end()) vm = report.vms.begin();
  std::string text = shown_name(vm->flow) + ": " + vm->verdict.sentence;
  const auto hurt = static_cast<uint64_t>(std::ranges::count_if(report.vms, is_hurt));
  const auto others = hurt - (is_hurt(*vm) ? 1 : 0);
  if (others > 0)
    text += " " + counted_text(others, "other VM") + (others == 1 ? " is" : " are") + " hurt too.";
  return text;
}

}  // namespace

uint32_t DetailTable::place(std::string_view text) {
  if (text.empty()) return 0;
  if (const auto known = places_.find(text); known != places_.end()) return known->second;
  if (texts_.size() >= kMostDetails) return kMostDetails - 1;
  const auto place = static_cast<uint32_t>(texts_.size());
  if (place == kMostDetails - 1) text = kNoMoreDetails;
  places_.emplace(text, place);
  texts_.emplace_back(text);
  return place;
}

std::vector<ReportVm> report_vms(const FlowModel& model) {
  std::vector<ReportVm> vms;
  for (const auto& flow : model.vms) {
    ReportVm vm{.flow = flow, .culprits = {}, .vcpus = {}, .verdict = {}};
    for (const auto& row : model.culprits)
      if (row.victim == flow.label)
        add_culprit(vm.culprits, {row.kind, shown_culprit(model, row), row.pid, row.ns});
    std::ranges::stable_sort(vm.culprits, std::greater{}, &NamedCulprit::ns);
    for (const auto& vcpu : flow.per_vcpu)
      vm.vcpus.push_back(
          {.vcpu_id = vcpu.vcpu_id, .tid = vcpu.tid, .intervals = {}, .left_out = 0});
    vms.push_back(std::move(vm));
  }
  return vms;
}

TraceReport judged(TraceReport report) {
  for (auto& vm : report.vms)
    vm.verdict = verdict_of(vm.flow, vm.culprits,
                            vm.processes ? contention_of(*vm.processes) : vm.contention);
  std::ranges::stable_sort(report.vms, std::greater{}, shares);
  if (report.finding.empty()) report.finding = finding(report);
  return report;
}

}  // namespace vmflow
