// SPDX-License-Identifier: GPL-2.0-only
// How the readers of the catalog make samples of the model. Units: seconds and bytes from here on.
#pragma once

#include "analysis/metric_catalog.h"
#include "analysis/sample_sink.h"
#include "analysis/seconds.h"

namespace vmflow {

inline double number(uint64_t count) {
  return static_cast<double>(count);
}
/// The kernel's buckets, folded into exit_bounds_seconds().
HistogramSample histogram(const Durations& durations);
/// Over queue_bounds_seconds().
HistogramSample queue_histogram(const Durations& durations);
/// Over wait_bounds_seconds().
HistogramSample histogram(const WaitDurations& durations);

/// One series for each live VM, `read` from its VmFlow.
template <typename Read>
void per_vm(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms) samples.add({vm.label}, read(vm));
}

}  // namespace vmflow
