// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/metrics_md.h"

#include <fmt/format.h>

#include "analysis/exit_reason.h"
#include "analysis/flow_names.h"
#include "analysis/metric_catalog.h"

namespace vmflow {
namespace {

std::string metric_section(const Metric& metric) {
  std::string labels;
  for (const auto label : metric.labels)
    labels += fmt::format("{}`{}`", labels.empty() ? "" : ", ", label);
  const auto flag = detail_flag(metric.detail);
  std::string detail;
  if (metric.detail != MetricDetail::kAlways)
    detail = fmt::format("- Detail: {}.\n", detail_name(metric.detail));
  if (!flag.empty()) detail += fmt::format("- Only with `{}`.\n", flag);
  return fmt::format("### `{}`\n{}, {}. {}\n- Clock: {}.\n- Error: {}.\n{}\n", metric.name,
                     kind_name(metric.kind), labels.empty() ? "no labels" : "labels " + labels,
                     metric.help, metric.clock, metric.error, detail);
}

std::string states_section() {
  std::string text =
      "## States\nEvery vCPU is in exactly one at any moment.\n\n| state | meaning |\n|---|---|\n";
  for (uint32_t state = 0; state < FLOW_STATES; state++) {
    const auto [name, meaning] = state_name(static_cast<flow_state>(state));
    text += fmt::format("| `{}` | {} |\n", name, meaning);
  }
  return text + "\n";
}

std::string exits_section(Vendor vendor, std::string_view title) {
  auto text =
      fmt::format("### {}\n| reason | why it has a series of its own |\n|---|---|\n", title);
  for (const auto& exit : named_exits(vendor))
    text += fmt::format("| `{}` | {} |\n", exit.name, exit.why);
  return text + "| `other` | all the rest; `vmflow_exits_folded_total` counts them |\n\n";
}

}  // namespace

std::string metrics_md() {
  std::string text =
      "<!-- Generated from analysis/metric_catalog.cpp; `build/release/exporters/write_metrics_md` "
      "writes it. -->\n"
      "# Metrics\n"
      "All times are wall time. Counters never fall while their series lives; a series goes away "
      "with its VM, "
      "and what it counted moves to `vmflow_departed_*`.\n\n"
      "The label `vm` is the VM's uuid; without one `<pid>-<start time of the process in ticks>`, "
      "with `-<n>` "
      "for further VMs of the same process; a uuid that is live already gets `+<pid>`.\n\n";
  text +=
      "A page of more series than `--web.max-series` leaves out whole metrics, so that sums over "
      "labels stay right: first those whose detail is waits, then vcpus, singles, devices and "
      "causes. `vmflow_series_left_out` says which.\n\n";
  text += states_section();
  text +=
      "## VM exit reasons\nThe lists are fixed, so that a series means the same on every host and "
      "at every time.\n\n";
  text += exits_section(Vendor::kSvm, "AMD (svm)");
  text += exits_section(Vendor::kVmx, "Intel (vmx)");
  text += "## All metrics\n\n";
  for (const auto& metric : metric_catalog()) text += metric_section(metric);
  text.pop_back();
  return text;
}

}  // namespace vmflow
