// SPDX-License-Identifier: GPL-2.0-only
// How the readers of the catalog make samples of the model. Units: seconds and bytes from here on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analysis/metric_catalog.h"
#include "analysis/seconds.h"

namespace vmflow {

inline double number(uint64_t count) {
  return static_cast<double>(count);
}
inline Sample value(std::vector<std::string> labels, double value) {
  return {.labels = std::move(labels), .value = value, .cumulative = {}};
}
/// The one series of a metric without labels.
inline std::vector<Sample> one(double number) {
  return {value({}, number)};
}
/// One series, with the kernel's buckets folded into exit_bounds_seconds().
Sample histogram(std::vector<std::string> labels, const Durations& durations);
/// One series, over queue_bounds_seconds().
Sample queue_histogram(std::vector<std::string> labels, const Durations& durations);
/// One series, over wait_bounds_seconds().
Sample histogram(std::vector<std::string> labels, const WaitDurations& durations);

/// One series for each live VM, `read` from its VmFlow.
template <typename Read>
std::vector<Sample> per_vm(const FlowModel& model, Read read) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) samples.push_back(value({vm.label}, read(vm)));
  return samples;
}

}  // namespace vmflow
