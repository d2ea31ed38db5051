// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rules_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/settings.h"
#include "analysis/default_rules.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;
/// What is wrong with a value; empty: nothing.
using Wrong = std::string;

Wrong wanted(const char* what, const Json& value) {
  return fmt::format("{} is wanted, not {}", what, value.type_name());
}

Wrong set_number(double& target, const Json& value) {
  if (!value.is_number()) return wanted("a number", value);
  target = value.get<double>();
  return {};
}

Wrong set_text(std::string& target, const Json& value) {
  if (!value.is_string()) return wanted("a text", value);
  target = one_line(value.get<std::string>());
  return {};
}

Wrong set_limit(Rule& rule, RuleTest test, const Json& value) {
  rule.test = test;
  return set_number(rule.threshold, value);
}

Wrong set_reading(Rule& rule, const Json& value) {
  if (value == "rate")
    rule.reading = RuleReading::kRate;
  else if (value == "value")
    rule.reading = RuleReading::kValue;
  else
    return "must be \"rate\" or \"value\"";
  return {};
}

/// {"culprit": "other_vm"} or {"culprit": ["other_vm", "host_task"]}.
Wrong set_labels(Rule& rule, const Json& value) {
  if (!value.is_object()) return wanted("an object", value);
  rule.labels.clear();
  for (const auto& [label, values] : value.items()) {
    LabelMatch match{one_line(label), {}};
    for (const auto& one : values.is_array() ? values : Json::array({values})) {
      if (!one.is_string()) return wanted("a text or a list of texts", one);
      match.values.push_back(one.get<std::string>());
    }
    rule.labels.push_back(std::move(match));
  }
  return {};
}

struct Field {
  const char* name;
  std::function<Wrong(Rule&, const Json&)> set;
};

const std::vector<Field>& fields() {
  static const std::vector<Field> all = {
      {"name", [](Rule& rule, const Json& value) { return set_text(rule.name, value); }},
      {"what", [](Rule& rule, const Json& value) { return set_text(rule.what, value); }},
      {"why", [](Rule& rule, const Json& value) { return set_text(rule.why, value); }},
      {"metric", [](Rule& rule, const Json& value) { return set_text(rule.metric, value); }},
      {"labels", set_labels},
      {"read", set_reading},
      {"above",
       [](Rule& rule, const Json& value) { return set_limit(rule, RuleTest::kAbove, value); }},
      {"floor",
       [](Rule& rule, const Json& value) { return set_limit(rule, RuleTest::kDeviation, value); }},
      {"mads", [](Rule& rule, const Json& value) { return set_number(rule.mads, value); }},
      {"for", [](Rule& rule, const Json& value) { return set_number(rule.for_seconds, value); }},
      {"release", [](Rule& rule, const Json& value) { return set_number(rule.release, value); }},
      {"window",
       [](Rule& rule, const Json& value) { return set_number(rule.span.window_seconds, value); }},
      {"warm_up",
       [](Rule& rule, const Json& value) { return set_number(rule.span.warm_up_seconds, value); }},
      {"on",
       [](Rule& rule, const Json& value) {
         if (!value.is_boolean()) return wanted("true or false", value);
         rule.on = value.get<bool>();
         return Wrong{};
       }},
  };
  return all;
}

/// What the metric itself suggests, where the file says nothing.
void suggest_reading(Rule& rule, const Json& json) {
  const auto* metric = metric_of(rule);
  if (json.contains("read") || !json.contains("metric") || metric == nullptr) return;
  rule.reading = metric->kind == MetricKind::kGauge ? RuleReading::kValue : RuleReading::kRate;
}

Wrong apply(Rule& rule, const Json& json) {
  if (json.contains("above") && json.contains("floor"))
    return "above: a rule has either above or floor";
  for (const auto& [name, value] : json.items()) {
    const auto field = std::ranges::find_if(
        fields(), [&, key = name](const auto& known) { return key == known.name; });
    if (field == fields().end()) return fmt::format("unknown field '{}'", one_line(name));
    if (const auto wrong = field->set(rule, value); !wrong.empty())
      return fmt::format("{}: {}", name, wrong);
  }
  suggest_reading(rule, json);
  if (rule.what.empty()) rule.what = "breaks the rule " + rule.name;
  return wrong_with(rule).value_or("");
}

}  // namespace

Result<std::vector<Rule>> rules_of(const std::string& text, bool with_defaults) {
  auto rules = with_defaults ? default_rules() : std::vector<Rule>{};
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_array()) return failure("rules: a list is wanted");
  for (size_t i = 0; i < json.size(); i++) {
    const auto& one = json[i];
    if (!one.is_object() || !one.contains("name") || !one["name"].is_string())
      return failure(fmt::format("rules[{}]: an object with a name is wanted", i));
    const auto name = one["name"].get<std::string>();
    const auto same = std::ranges::find(rules, name, &Rule::name);
    Rule rule = same == rules.end() ? Rule{} : *same;
    if (const auto wrong = apply(rule, one); !wrong.empty())
      return failure(fmt::format("rules[{}] '{}': {}", i, one_line(name), wrong));
    if (same == rules.end())
      rules.push_back(std::move(rule));
    else
      *same = std::move(rule);
  }
  return rules;
}

}  // namespace vmflow
