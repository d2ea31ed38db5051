// SPDX-License-Identifier: GPL-2.0-only
// What vmflow top shows, as lines of text with tones: no terminal in it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/top_state.h"
#include "agent/cli/vm_detail.h"

namespace vmflow {

/// What a colour means; a terminal without colours shows what it can.
enum class Tone { kPlain, kTitle, kCursor, kWarn, kBad, kDim };

struct Span {
  std::string text;
  Tone tone = Tone::kPlain;
};
using Line = std::vector<Span>;

/// What there is to show. Shape: `rows` sorted; `detail` of the chosen VM, if it was asked for.
struct TopPicture {
  std::vector<TopRow> rows;
  bool answered = false;           ///< has the agent ever?
  std::string agent;               ///< its URL
  std::string time;                ///< of the look
  std::optional<double> seconds;   ///< between the looks
  std::string note;                ///< what began anew
  std::string problem;             ///< why there is no newer look: what is shown is stale
  std::optional<VmDetail> detail;  ///< absent: not answered yet
  std::optional<VmDetail> detail_before;
};

/// Where top_columns() stand in a line. Units: cells.
struct ColumnPlace {
  size_t column = 0;
  size_t width = 0;
};

/// The columns that fit into `width` cells; what is left goes to names.
std::vector<ColumnPlace> columns_in(size_t width);

/// Rows of the list that fit into `height` lines.
size_t list_page(size_t height);

/// Shape: at most `height` lines of at most `width` cells; `state.scroll` is held back to the last
///        line there is, `state.first` to where the cursor is seen.
std::vector<Line> top_view(TopState& state, const TopPicture& picture, size_t width, size_t height);

/// The help: keys and what the columns mean. Shape: no wider than `width`.
std::vector<Line> help_lines(size_t width);

/// One VM in full. Shape: no wider than `width`.
std::vector<Line> vm_lines(const TopState& state, const TopPicture& picture, size_t width);

}  // namespace vmflow
