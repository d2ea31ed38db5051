// SPDX-License-Identifier: GPL-2.0-only
#include "page.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace vmflow::lab {
namespace {

/// Takes `{a="b",…}` from the front of `rest`.
Labels take_labels(std::string_view& rest) {
  Labels labels;
  if (rest.empty() || rest.front() != '{') return labels;
  rest.remove_prefix(1);
  while (rest.front() != '}') {
    const auto equals = rest.find("=\"");
    if (equals == std::string_view::npos) throw std::runtime_error("no value");
    auto& value = labels[std::string(rest.substr(0, equals))];
    rest.remove_prefix(equals + 2);
    for (; rest.at(0) != '"'; rest.remove_prefix(1)) {
      if (rest.front() != '\\') {
        value += rest.front();
        continue;
      }
      rest.remove_prefix(1);
      value += rest.at(0) == 'n' ? '\n' : rest.front();
    }
    rest.remove_prefix(1);
    if (rest.at(0) == ',') rest.remove_prefix(1);
  }
  rest.remove_prefix(1);
  return labels;
}

Series parse(std::string_view line) {
  Series series;
  const auto end = line.find_first_of("{ ");
  series.name = line.substr(0, end);
  line.remove_prefix(std::min(end, line.size()));
  series.labels = take_labels(line);
  size_t read = 0;
  const std::string value(line);
  series.value = std::stod(value, &read);
  if (read != value.size()) throw std::runtime_error("more after the value");
  return series;
}

bool contains(const Labels& all, const Labels& some) {
  return std::ranges::all_of(some, [&](const auto& label) {
    const auto found = all.find(label.first);
    return found != all.end() && found->second == label.second;
  });
}

}  // namespace

Page::Page(std::string text) : text_(std::move(text)) {
  std::istringstream lines(text_);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      std::istringstream words(line.substr(7));
      std::string name;
      words >> name >> types_[name];
    }
    if (line.empty() || line.front() == '#') continue;
    try {
      series_.push_back(parse(line));
    } catch (const std::exception& error) {
      throw std::runtime_error("line '" + line + "': " + error.what());
    }
  }
}

std::vector<Series> Page::find(std::string_view name, const Labels& labels) const {
  std::vector<Series> found;
  for (const auto& one : series_)
    if (one.name == name && contains(one.labels, labels)) found.push_back(one);
  return found;
}

double Page::sum(std::string_view name, const Labels& labels) const {
  double sum = 0;
  for (const auto& one : find(name, labels)) sum += one.value;
  return sum;
}

std::string Page::vm_of(int pid) const {
  const auto found = find("vmflow_vm_info", {{"pid", std::to_string(pid)}});
  return found.empty() ? "" : found.front().labels.at("vm");
}

}  // namespace vmflow::lab
