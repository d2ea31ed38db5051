// SPDX-License-Identifier: GPL-2.0-only
// Feature tables as CSV.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "agent/sources/feature_text.h"

namespace vmflow {
namespace {

constexpr std::array<std::string_view, 5> kBefore = {"host", "vm", "name", "begin_seconds",
                                                     "end_seconds"};
constexpr size_t kBegin = 3, kEnd = 4;

/// Records one after the other, as RFC 4180 has them; also with LF alone.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {}

  bool has_more() const { return !rest_.empty(); }
  /// Where the last record began, from 1 on.
  size_t line() const { return record_line_; }

  /// Shape: `most` cells at most, and one more if there are more than that.
  Result<std::vector<std::string>> next(size_t most) {
    record_line_ = line_;
    std::vector<std::string> cells;
    for (;;) {
      auto cell = next_cell();
      if (!cell) return tl::unexpected(cell.error());
      if (cells.size() <= most) cells.push_back(std::move(*cell));
      if (!take(',')) break;
    }
    take('\r');
    if (!rest_.empty() && !take('\n'))
      return failure("a cell does not end at a comma or at the line's end");
    line_++;
    return cells;
  }

 private:
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<std::string> next_cell() {
    if (take('"')) return quoted();
    const auto end = std::min(rest_.find_first_of(",\r\n\""), rest_.size());
    if (end < rest_.size() && rest_[end] == '"') return failure("a quote stands inside a cell");
    std::string cell(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return cell;
  }

  Result<std::string> quoted() {
    std::string cell;
    for (;;) {
      const auto quote = rest_.find('"');
      if (quote == std::string_view::npos) return failure("a quoted cell has no end");
      cell += rest_.substr(0, quote);
      line_ += static_cast<size_t>(std::ranges::count(rest_.substr(0, quote), '\n'));
      rest_.remove_prefix(quote + 1);
      if (!take('"')) return cell;
      cell += '"';
    }
  }

  std::string_view rest_;
  size_t line_ = 1, record_line_ = 1;
};

Result<double> number_in(std::string_view cell) {
  double number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error == std::errc::result_out_of_range) return failure("out of range");
  if (error != std::errc() || end != cell.data() + cell.size()) return failure("no number");
  if (auto problem = number_problem(number); !problem.empty()) return failure(std::move(problem));
  return number;
}

Result<std::vector<FeatureColumn>> columns_in(const std::vector<std::string>& header,
                                              const FeatureFileLimits& limits) {
  if (header.size() < kBefore.size() || !std::equal(kBefore.begin(), kBefore.end(), header.begin()))
    return failure(fmt::format("the first line does not begin with {}; `vmflow features` writes it",
                               fmt::join(kBefore, ",")));
  std::vector<FeatureColumn> columns;
  for (size_t i = kBefore.size(); i < header.size(); i++) columns.push_back({header[i], "", ""});
  if (auto problem = columns_problem(columns, limits); !problem.empty())
    return failure(std::move(problem));
  return columns;
}

/// Errors: says in which column.
Result<FeatureRow> row_in(std::vector<std::string>& cells,
                          const std::vector<FeatureColumn>& columns) {
  const auto bad = [&](std::string_view column, size_t cell, const std::string& why) {
    return failure(fmt::format("column {}: {} is {} (an empty cell means not known)",
                               quoted_name(column), quoted_name(cells[cell]), why));
  };
  FeatureRow row{std::move(cells[0]), std::move(cells[1]), std::move(cells[2]), 0, 0, {}};
  if (row.vm.empty()) return failure("the column 'vm' is empty");
  for (const auto i : {kBegin, kEnd}) {
    const auto number = number_in(cells[i]);
    if (!number) return bad(kBefore[i], i, number.error().message);
    (i == kBegin ? row.begin_seconds : row.end_seconds) = *number;
  }
  row.values.assign(columns.size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 0; i < columns.size(); i++) {
    const size_t cell = kBefore.size() + i;
    if (cells[cell].empty()) continue;
    const auto number = number_in(cells[cell]);
    if (!number) return bad(columns[i].name, cell, number.error().message);
    row.values[i] = *number;
  }
  return row;
}

}  // namespace

Result<FeatureTable> parse_feature_csv(std::string_view text, const FeatureFileLimits& limits) {
  CsvReader reader(text);
  const auto at = [&](const Error& error) {
    return failure(fmt::format("line {}: {}", reader.line(), error.message));
  };
  const auto header = reader.next(kBefore.size() + limits.columns);
  if (!header) return at(header.error());
  auto columns = columns_in(*header, limits);
  if (!columns) return at(columns.error());
  FeatureTable table{std::move(*columns), {}};
  while (reader.has_more()) {
    auto cells = reader.next(header->size());
    if (!cells) return at(cells.error());
    if (cells->size() == 1 && cells->front().empty()) continue;  // an empty line
    if (cells->size() != header->size())
      return at({fmt::format("it has {} {}, the first line has {}", cells->size(),
                             cells->size() > header->size() ? "cells or more" : "cells",
                             header->size())});
    auto row = row_in(*cells, table.columns);
    if (!row) return at(row.error());
    table.rows.push_back(std::move(*row));
    if (table.rows.size() * table.columns.size() > limits.cells)
      return at({fmt::format("there are more than {} values", limits.cells)});
  }
  return table;
}

}  // namespace vmflow
