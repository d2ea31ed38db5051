// SPDX-License-Identifier: GPL-2.0-only
// The columns of vmflow top, the one table that the screen, the batch text, the log and the help
// read; and the order of rows by one of them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/top_model.h"

namespace vmflow {

enum class ColumnUnit { kText, kCount, kPercent, kPerSecond };

/// Shape: a number is the sum of the `states`, or of the `waits`, or what `number` says; text is
/// what
///        `text` says. Where the terminal is narrow, the columns of the highest `rank` go first;
///        those of rank 0 stay. `key` names it in vmflow log, with its unit.
struct TopColumn {
  std::string_view title;
  std::string_view key;
  ColumnUnit unit = ColumnUnit::kPercent;
  int rank = 0;
  size_t width = 4;
  double warn_from =
      0;  ///< from here on it is shown as a warning, from twice as much as bad; 0: never
  std::string_view meaning;
  std::array<std::string_view, 4> states{};
  std::array<std::string_view, 4> waits{};
  std::optional<double> (*number)(const TopRow&) = nullptr;
  std::string (*text)(const TopRow&) = nullptr;
};

/// From left to right.
std::span<const TopColumn> top_columns();

/// Its place by its title in any case, with or without '%': "%RDY", "rdy".
/// Errors: nullopt if there is none.
std::optional<size_t> column_called(std::string_view title);

/// Where rows begin to be sorted: what is ready and has no CPU.
size_t first_sort_column();

/// Errors: absent for text, and for what is not known.
std::optional<double> number_in(const TopColumn& column, const TopRow& row);

/// "12.3", "100", "-" if it is not known.
std::string cell_of(const TopColumn& column, const TopRow& row);

/// Numbers: the largest first; text: from A on; `reversed` the other way. What is not known comes
/// last, equal ones by name.
void sort_rows(std::vector<TopRow>& rows, size_t column, bool reversed);

/// A percentage in four cells: "0.0", "99.9", "100".
std::string percent_text(std::optional<double> percent);

/// In six cells: "0.5", "120", "98765", "1234k".
std::string rate_text(std::optional<double> per_second);

/// The cause in eight cells, as a reader of the table knows it: "other VM".
std::string short_cause(std::string_view cause);

}  // namespace vmflow
