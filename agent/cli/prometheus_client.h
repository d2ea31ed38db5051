// SPDX-License-Identifier: GPL-2.0-only
// Asks a Prometheus, and takes its answers apart: whatever they are, nothing throws.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/result.h"

namespace vmflow {

/// Points at `begin_seconds` and every `step_seconds` after it, until `end_seconds`.
/// Units: Unix seconds.
struct PrometheusRange {
  double begin_seconds = 0;
  double end_seconds = 0;
  double step_seconds = 0;
};

/// Shape: points are Unix seconds and numbers, without what is none (NaN, infinite).
struct PrometheusSeries {
  std::map<std::string, std::string> labels;
  std::vector<std::pair<double, double>> points;
};

struct PrometheusAnswer {
  std::vector<PrometheusSeries> series;
  std::vector<std::string> warnings;  ///< its own, a line each
};

/// Why a query has no answer. Shape: `is_down`: nothing answers, and the next will not either.
struct PrometheusError {
  std::string message;
  bool is_down = false;
};

/// The body of an answer to query_range. Errors: it is cut off or no such answer, or tells an
/// error.
tl::expected<PrometheusAnswer, PrometheusError> prometheus_answer(int status,
                                                                  std::string_view body);

/// Errors: as above, and no answer.
tl::expected<PrometheusAnswer, PrometheusError> query_range(AgentClient& prometheus,
                                                            const std::string& promql,
                                                            const PrometheusRange& range);

}  // namespace vmflow
