// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/feature_file.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "agent/one_line.h"
#include "agent/sources/feature_text.h"

namespace vmflow {
namespace {

constexpr size_t kLongestName = 64;

Result<std::string> all_of(std::istream& input, const std::string& source, size_t most) {
  std::string text;
  std::vector<char> part(size_t{1} << 16);
  while (input.read(part.data(), static_cast<std::streamsize>(part.size())) || input.gcount() > 0) {
    text.append(part.data(), static_cast<size_t>(input.gcount()));
    if (text.size() > most)
      return failure(fmt::format("{}: it has more than {} MiB; pass fewer VMs or windows", source,
                                 most >> 20));
  }
  if (input.bad()) return failure(fmt::format("{}: it cannot be read", source));
  return text;
}

Result<std::string> text_in(const std::string& file, std::istream& input, size_t most) {
  if (file == "-") return all_of(input, "stdin", most);
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return failure(fmt::format("'{}' cannot be read", one_line(file)));
  return all_of(stream, one_line(file), most);
}

/// Appends the rows of `more`, whose columns may be others.
void append(FeatureTable& table, FeatureTable more, std::map<std::string, size_t>& places) {
  std::vector<size_t> to;
  for (auto& column : more.columns) {
    const auto [found, is_new] = places.try_emplace(column.name, table.columns.size());
    to.push_back(found->second);
    if (is_new) table.columns.push_back(std::move(column));
  }
  for (auto& row : more.rows) {
    auto values = std::move(row.values);
    row.values.assign(table.columns.size(), std::numeric_limits<double>::quiet_NaN());
    for (size_t i = 0; i < values.size(); i++) row.values[to[i]] = values[i];
    table.rows.push_back(std::move(row));
  }
}

std::string size_problem(const FeatureTable& table, const FeatureFileLimits& limits) {
  if (table.columns.size() > limits.columns)
    return fmt::format("the files have more than {} features together", limits.columns);
  if (table.columns.size() * table.rows.size() > limits.cells)
    return fmt::format("the files have more than {} values together", limits.cells);
  return "";
}

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string text = one_line(name.substr(0, kLongestName));
  return "'" + text + (name.size() > kLongestName ? "…'" : "'");
}

std::string columns_problem(const std::vector<FeatureColumn>& columns,
                            const FeatureFileLimits& limits) {
  if (columns.empty()) return "it has no feature";
  if (columns.size() > limits.columns)
    return fmt::format("there are more than {} features", limits.columns);
  std::set<std::string_view> seen;
  for (const auto& column : columns) {
    if (column.name.empty()) return "a feature has no name";
    if (!seen.insert(column.name).second)
      return fmt::format("two features are called {}", quoted_name(column.name));
  }
  return "";
}

std::string number_problem(double number) {
  if (!std::isfinite(number)) return "no finite number";
  return std::abs(number) > kLargestFeature ? "out of range" : "";
}

Result<FeatureTable> parse_features(std::string_view text, const std::string& source,
                                    const FeatureFileLimits& limits) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return failure(fmt::format("{}: it is empty; `vmflow features` writes tables", source));
  const bool is_json = text[first] == '{' || text[first] == '[';
  auto table = is_json ? parse_feature_json(text, limits) : parse_feature_csv(text, limits);
  if (!table) return failure(fmt::format("{}: {}", source, table.error().message));
  return table;
}

Result<FeatureTable> read_features(std::span<const std::string> files, std::istream& input,
                                   const FeatureFileLimits& limits) {
  static const std::string kInput = "-";
  if (files.empty()) files = {&kInput, 1};
  FeatureTable all;
  std::map<std::string, size_t> places;
  for (const auto& file : files) {
    const auto text = text_in(file, input, limits.bytes);
    if (!text) return tl::unexpected(text.error());
    auto table = parse_features(*text, file == "-" ? "stdin" : one_line(file), limits);
    if (!table) return table;
    append(all, std::move(*table), places);
    if (auto problem = size_problem(all, limits); !problem.empty())
      return failure(std::move(problem));
  }
  // A file that came first lacks what only later ones have.
  for (auto& row : all.rows)
    row.values.resize(all.columns.size(), std::numeric_limits<double>::quiet_NaN());
  return all;
}

}  // namespace vmflow
