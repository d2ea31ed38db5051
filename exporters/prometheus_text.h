// SPDX-License-Identifier: GPL-2.0-only
// A model as the page that Prometheus scrapes.
#pragma once

#include <string>

#include "analysis/flow_model.h"

namespace vmflow {

struct PrometheusOptions {
  bool per_vcpu = false;  ///< with the metrics that the catalog marks kPerVcpu
  bool vm_waits = false;  ///< and kVmWaits
};

/// All metrics of the catalog in the text exposition format 0.0.4; a metric without series is left
/// out.
std::string prometheus_text(const FlowModel& model, const PrometheusOptions& options);

}  // namespace vmflow
