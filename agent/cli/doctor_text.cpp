// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/doctor_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/cli/cell_text.h"

namespace vmflow {
namespace {

constexpr size_t kMarkWidth = 4, kTitleWidth = 14, kIndent = 1 + kMarkWidth + 2 + kTitleWidth + 1;
constexpr size_t kMostFound = 400, kLeastRoom = 20;

/// How a row looks. Required and useful things warn, advice is a tip.
struct Mark {
  const char* word;
  const char* colour;  ///< SGR
};

Mark mark_of(const CheckResult& result) {
  const bool is_required = result.check->need == Need::required;
  switch (result.finding.health) {
    case Health::ok:
      return {"ok", "32"};
    case Health::unknown:
      return {"?", is_required ? "31;1" : "2"};
    case Health::missing:
      if (is_required) return {"FAIL", "31;1"};
      break;
    case Health::degraded:
      break;
  }
  if (result.check->need == Need::advice) return {"tip", "36"};
  return {"warn", "33"};
}

std::string coloured(const std::string& text, const char* colour, bool on) {
  return on ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : text;
}

const char* name_of(Health health) {
  switch (health) {
    case Health::ok:
      return "ok";
    case Health::degraded:
      return "degraded";
    case Health::missing:
      return "missing";
    case Health::unknown:
      return "unknown";
  }
  return "unknown";
}

const char* name_of(Need need) {
  switch (need) {
    case Need::required:
      return "required";
    case Need::useful:
      return "useful";
    case Need::advice:
      return "advice";
  }
  return "advice";
}

/// Says nothing that the row does not say on which it depends.
bool only_follows(const CheckResult& result) {
  return result.finding.health == Health::unknown && result.finding.remedy.empty() &&
         result.check->group == "agent";
}

bool stops_it(const CheckResult& result) {
  return !is_fit({result});
}

std::string sentence_of(const std::vector<CheckResult>& results) {
  std::string stopping;
  size_t stops = 0, others = 0;
  for (const auto& result : results) {
    if (stops_it(result)) {
      // What cannot be told and has no remedy of its own follows from another row.
      if (result.finding.health == Health::unknown && result.finding.remedy.empty()) continue;
      stopping += fmt::format("{}{}", stops++ == 0 ? "" : ", ", result.check->title);
    } else {
      others +=
          result.finding.health == Health::degraded || result.finding.health == Health::missing;
    }
  }
  if (stops > 0) return fmt::format("vmflow cannot measure here yet: {}.", stopping);
  if (others == 0) return "This host has everything that vmflow can use.";
  return fmt::format("This host has everything that vmflow needs; {} could be better.",
                     others == 1 ? "one thing" : fmt::format("{} things", others));
}

std::string shown(const std::string& text) {
  return cut_to(in_cells(text), kMostFound);
}

void add_wrapped(std::string& out, const std::string& first, const std::string& text,
                 size_t width) {
  std::string indent = first;
  for (const auto& line : wrapped_to(text, std::max(width, kIndent + kLeastRoom) - kIndent)) {
    out += indent + line + "\n";
    indent = std::string(kIndent, ' ');
  }
}

void add_row(std::string& out, const CheckResult& result, const DoctorLayout& layout) {
  const auto mark = mark_of(result);
  const auto& finding = result.finding;
  const auto first = " " + coloured(left_in(mark.word, kMarkWidth), mark.colour, layout.colour) +
                     "  " + left_in(result.check->title, kTitleWidth) + " ";
  add_wrapped(out, first, shown(finding.found), layout.width);
  if (finding.health == Health::ok || finding.remedy.empty()) return;
  add_wrapped(out, std::string(kIndent, ' '), std::string(result.check->why), layout.width);
  // Never broken: it is there to be copied.
  out += std::string(7, ' ') + coloured("$ " + in_cells(finding.remedy), "1", layout.colour) + "\n";
}

}  // namespace

std::string doctor_text(const std::vector<CheckResult>& results, const DoctorLayout& layout) {
  std::string out;
  for (const auto& line : wrapped_to(sentence_of(results), layout.width))
    out += coloured(line, "1", layout.colour) + "\n";
  std::string_view group;
  for (const auto& result : results) {
    if (only_follows(result)) continue;
    if (layout.only_problems &&
        (result.finding.health == Health::ok || result.finding.remedy.empty()))
      continue;
    if (group != result.check->group) {
      group = result.check->group;
      out += fmt::format("\n{}\n", group);
    }
    add_row(out, result, layout);
  }
  return out;
}

std::string doctor_json(const std::vector<CheckResult>& results) {
  using Json = nlohmann::ordered_json;
  auto checks = Json::array();
  for (const auto& result : results) {
    const auto& check = *result.check;
    const auto& remedy = result.finding.remedy;
    checks.push_back({{"id", check.id},
                      {"group", check.group},
                      {"title", check.title},
                      {"need", name_of(check.need)},
                      {"state", name_of(result.finding.health)},
                      {"found", result.finding.found.substr(0, kMostFound)},
                      {"why", check.why},
                      {"remedy", remedy.empty() ? Json() : Json(remedy)}});
  }
  const Json json = {{"schema", "vmflow_doctor"},
                     {"version", 1},
                     {"fit", is_fit(results)},
                     {"sentence", sentence_of(results)},
                     {"checks", checks}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vmflow
