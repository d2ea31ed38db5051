// SPDX-License-Identifier: GPL-2.0-only
#include "fall_watch.h"

#include <utility>

namespace vmflow::lab {
namespace {

bool is_counter(const Page& page, const Series& series) {
  const auto type = page.types().find(series.name);
  if (type != page.types().end()) return type->second == "counter";
  return series.name.ends_with("_bucket") || series.name.ends_with("_count") ||
         series.name.ends_with("_sum");
}

std::string key_of(const Series& series) {
  std::string key = series.name;
  for (const auto& [name, value] : series.labels) key += ' ' + name + '=' + value;
  return key;
}

}  // namespace

std::vector<std::string> FallWatch::look(const Page& page) {
  std::vector<std::string> falls;
  std::map<std::string, double> now;
  for (const auto& series : page.series()) {
    if (!is_counter(page, series)) continue;
    auto key = key_of(series);
    const auto before = last_.find(key);
    if (before != last_.end() && series.value < before->second)
      falls.push_back(key + " fell from " + std::to_string(before->second) + " to " +
                      std::to_string(series.value));
    now[std::move(key)] = series.value;
  }
  last_ = std::move(now);
  return falls;
}

}  // namespace vmflow::lab
