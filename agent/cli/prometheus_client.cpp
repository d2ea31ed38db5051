// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/prometheus_client.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "agent/json_fields.h"
#include "agent/one_line.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

tl::unexpected<PrometheusError> failed(std::string message, bool is_down = false) {
  return tl::unexpected<PrometheusError>({std::move(message), is_down});
}

/// Everything but letters and digits as %XX.
std::string encoded(const std::string& text) {
  std::string out;
  for (const unsigned char c : text)
    out += std::isalnum(c) != 0 ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  return out;
}

/// Absent: NaN, infinite, or no number at all.
std::optional<double> sample_of(const Json& json) {
  const auto text = text_of(json);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

PrometheusSeries series_of(const Json& json) {
  PrometheusSeries series;
  const auto& labels = field(json, "metric");
  if (labels.is_object())
    for (const auto& [name, value] : labels.items()) series.labels[name] = text_of(value);
  for (const auto& point : field(json, "values")) {
    if (!point.is_array() || point.size() != 2) continue;
    const auto seconds = number_of(point[0]);
    const auto value = sample_of(point[1]);
    if (seconds && value) series.points.emplace_back(*seconds, *value);
  }
  return series;
}

}  // namespace

tl::expected<PrometheusAnswer, PrometheusError> prometheus_answer(int status,
                                                                  std::string_view body) {
  const auto json = Json::parse(body, nullptr, false);
  if (text_of(field(json, "status")) == "error")
    return failed(fmt::format("Prometheus says: {}", one_line(text_of(field(json, "error")))));
  if (status != 200)
    return failed(fmt::format("status {}: is this the address of a Prometheus?", status));
  if (json.is_discarded()) return failed("the answer is cut off, or is no JSON");
  const auto& data = field(json, "data");
  const auto& result = field(data, "result");
  if (text_of(field(data, "resultType")) != "matrix" || !result.is_array())
    return failed("the answer is not that of a Prometheus to query_range");
  PrometheusAnswer answer;
  for (const auto& one : result) answer.series.push_back(series_of(one));
  for (const auto& warning : field(json, "warnings"))
    answer.warnings.push_back(one_line(text_of(warning)));
  return answer;
}

tl::expected<PrometheusAnswer, PrometheusError> query_range(AgentClient& prometheus,
                                                            const std::string& promql,
                                                            const PrometheusRange& range) {
  const auto answer = prometheus.get(
      fmt::format("/api/v1/query_range?query={}&start={:.3f}&end={:.3f}&step={:.3f}&timeout=30s",
                  encoded(promql), range.begin_seconds, range.end_seconds, range.step_seconds));
  if (!answer) return failed(answer.error().message, true);
  auto told = prometheus_answer(answer->status, answer->json);
  if (!told) return told;
  // What was not asked for would count twice where another query asks for it.
  const double half = range.step_seconds / 2;
  for (auto& series : told->series)
    std::erase_if(series.points, [&](const auto& point) {
      return point.first < range.begin_seconds - half || point.first > range.end_seconds + half;
    });
  return told;
}

}  // namespace vmflow
