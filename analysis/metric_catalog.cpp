// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/metric_catalog.h"

#include "analysis/metric_texts.h"

namespace vmflow {
std::string_view kind_name(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

std::string_view detail_name(MetricDetail detail) {
  switch (detail) {
    case MetricDetail::kAlways:
      return "always";
    case MetricDetail::kVmCauses:
      return "causes";
    case MetricDetail::kVmDevices:
      return "devices";
    case MetricDetail::kVmSingles:
      return "singles";
    case MetricDetail::kPerVcpu:
      return "vcpus";
    case MetricDetail::kVmWaits:
      return "waits";
  }
  return "always";
}

std::string_view detail_flag(MetricDetail detail) {
  switch (detail) {
    case MetricDetail::kAlways:
    case MetricDetail::kVmCauses:
    case MetricDetail::kVmDevices:
    case MetricDetail::kVmSingles:
      return "";
    case MetricDetail::kPerVcpu:
      return "--collector.vcpu.per-vcpu";
    case MetricDetail::kVmWaits:
      return "--collector.vm.wait-histograms";
  }
  return "";
}

uint64_t samples_of(const Metric& metric, const FlowModel& model) {
  uint64_t count = 0;
  for_each_sample(metric, model, [&](std::span<const LabelValue>, double) { count++; });
  return count;
}

std::span<const Metric> metric_catalog() {
  static const std::vector<Metric> catalog = [] {
    std::vector<Metric> rows;
    for (const auto part :
         {identity_metrics, ledger_metrics, wait_metrics, slowdown_metrics, use_metrics, io_metrics,
          net_metrics, exit_metrics, nested_metrics, trace_metrics, libvirt_metrics, agent_metrics,
          overhead_metrics, web_metrics, page_metrics})
      for (auto& row : part()) rows.push_back(std::move(row));
    return rows;
  }();
  return catalog;
}

}  // namespace vmflow
