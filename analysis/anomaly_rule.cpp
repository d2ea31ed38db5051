// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/anomaly_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vmflow {
namespace {

constexpr size_t kMostNameBytes = 64;
constexpr double kMostSeconds = 86400;

bool is_legal_name(const std::string& name) {
  return !name.empty() && name.size() <= kMostNameBytes &&
         std::ranges::all_of(name, [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

std::optional<std::string> wrong_number(std::string_view field, double value, double least,
                                        double most) {
  if (std::isfinite(value) && value >= least && value <= most) return std::nullopt;
  return fmt::format("{}: {} is not between {} and {}", field, value, least, most);
}

std::optional<std::string> wrong_labels(const Rule& rule, const Metric& metric) {
  for (const auto& match : rule.labels) {
    if (match.label == "vm" || std::ranges::count(metric.labels, match.label) == 0)
      return fmt::format("labels: '{}' is no label of {} to choose by", match.label, rule.metric);
    if (match.values.empty()) return fmt::format("labels: '{}' has no value", match.label);
  }
  return std::nullopt;
}

std::optional<std::string> wrong_numbers(const Rule& rule) {
  struct Number {
    std::string_view field;
    double value, least, most;
  };
  const bool deviates = rule.test == RuleTest::kDeviation;
  for (const auto& [field, value, least, most] :
       {// Without a floor, any ripple on a quiet VM would deviate.
        Number{deviates ? "floor" : "above", rule.threshold, deviates ? 1e-6 : 0, 1e18},
        Number{"mads", rule.mads, 0, 1e6}, Number{"for", rule.for_seconds, 0, kMostSeconds},
        Number{"release", rule.release, 0, 1},
        Number{"window", rule.span.window_seconds, 10, kMostSeconds},
        Number{"warm_up", rule.span.warm_up_seconds, 1, rule.span.window_seconds / 2}})
    if (auto wrong = wrong_number(field, value, least, most)) return wrong;
  return std::nullopt;
}

}  // namespace

const Metric* metric_of(const Rule& rule) {
  const auto catalog = metric_catalog();
  const auto found = std::ranges::find(catalog, rule.metric, &Metric::name);
  return found == catalog.end() ? nullptr : &*found;
}

std::string selector_text(const Rule& rule) {
  std::string labels;
  for (const auto& match : rule.labels)
    labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", match.label,
                          fmt::join(match.values, "|"));
  return labels.empty() ? rule.metric : fmt::format("{}{{{}}}", rule.metric, labels);
}

std::optional<std::string> wrong_with(const Rule& rule) {
  if (!is_legal_name(rule.name))
    return fmt::format("name: must be 1 to {} of a-z, 0-9 and _", kMostNameBytes);
  const auto* metric = metric_of(rule);
  if (metric == nullptr) return fmt::format("metric: there is no '{}'", rule.metric);
  if (std::ranges::count(metric->labels, "vm") == 0)
    return fmt::format("metric: {} is not of one VM", rule.metric);
  if (auto wrong = wrong_labels(rule, *metric)) return wrong;
  return wrong_numbers(rule);
}

}  // namespace vmflow
