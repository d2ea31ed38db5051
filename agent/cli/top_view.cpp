// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/cli/cell_text.h"

namespace vmflow {
namespace {

constexpr size_t kMostName = 40, kMostCulprit = 24;
// Below so many lines there is no place for the footer and the line of the agent.
constexpr size_t kLeastHeight = 5;

struct Frame {
  size_t above = 0;
  size_t below = 0;
};

/// Lines around the rows of the list, the header of the columns not counted.
Frame frame(size_t height) {
  return height < kLeastHeight ? Frame{0, 0} : Frame{1, 1};
}

std::string status(const TopState& state, const TopPicture& picture) {
  if (!picture.answered)
    return picture.problem.empty() ? fmt::format("asking {} ...", picture.agent)
                                   : in_cells(picture.problem);
  if (!picture.problem.empty())
    return fmt::format("STALE since {}: {}", picture.time, in_cells(picture.problem));
  auto text = fmt::format("vmflow top  {}  {}  {} VM{}", picture.time, picture.agent,
                          picture.rows.size(), picture.rows.size() == 1 ? "" : "s");
  text += picture.seconds ? fmt::format("  {:.1f} s", *picture.seconds) : "  first look";
  if (state.delay_seconds > 0) text += fmt::format("  every {:g} s", state.delay_seconds);
  return picture.note.empty() ? text : fmt::format("{}: {}", picture.time, picture.note);
}

Line status_line(const TopState& state, const TopPicture& picture, size_t width) {
  const auto tone = !picture.problem.empty() ? Tone::kBad
                    : !picture.note.empty()  ? Tone::kWarn
                                             : Tone::kPlain;
  return {{left_in(status(state, picture), width), tone}};
}

Line footer(const TopState& state, size_t width) {
  const char* keys = "Esc back  j/k scroll  h help  q back";
  if (state.screen == TopScreen::kList)
    keys = "j/k move  Enter VM  s/</> sort  r reverse  +/- delay  h help  q quit";
  return {{left_in(keys, width), Tone::kDim}};
}

Tone tone_of(const TopColumn& column, const TopRow& row) {
  const auto number = number_in(column, row);
  if (column.warn_from <= 0 || !number || *number < column.warn_from) return Tone::kPlain;
  return *number < 2 * column.warn_from ? Tone::kWarn : Tone::kBad;
}

std::string in_place(const TopColumn& column, const std::string& text, size_t width) {
  return column.unit == ColumnUnit::kText ? left_in(text, width) : right_in(text, width);
}

Line header(const TopState& state, const std::vector<ColumnPlace>& places, size_t width) {
  Line line;
  size_t used = 0;
  for (const auto& place : places) {
    const auto& column = top_columns()[place.column];
    if (!line.empty()) line.push_back({" ", Tone::kTitle});
    line.push_back({in_place(column, std::string(column.title), place.width),
                    place.column == state.sort ? Tone::kCursor : Tone::kTitle});
    used += place.width + (line.size() > 1 ? 1 : 0);
  }
  if (used < width) line.push_back({std::string(width - used, ' '), Tone::kTitle});
  return line;
}

Line row_line(const TopRow& row, const std::vector<ColumnPlace>& places, bool under_cursor) {
  Line line;
  for (const auto& place : places) {
    const auto& column = top_columns()[place.column];
    if (!line.empty()) line.push_back({" ", under_cursor ? Tone::kCursor : Tone::kPlain});
    line.push_back({in_place(column, cell_of(column, row), place.width),
                    under_cursor ? Tone::kCursor : tone_of(column, row)});
  }
  return line;
}

std::vector<Line> list_view(TopState& state, const TopPicture& picture, size_t width,
                            size_t height) {
  const size_t page = list_page(height);
  show_cursor(state, picture.rows.size(), page);
  const auto places = columns_in(width);
  std::vector<Line> lines{header(state, places, width)};
  for (size_t i = state.first; i < std::min(picture.rows.size(), state.first + page); i++)
    lines.push_back(row_line(picture.rows[i], places, i == state.cursor));
  if (picture.rows.empty() && picture.answered && page > 0)
    lines.push_back({{cut_to("no VM runs on this host", width), Tone::kPlain}});
  return lines;
}

/// A part of `all` that fits, from where it was scrolled to.
std::vector<Line> scrolled(TopState& state, const std::vector<Line>& all, size_t height) {
  state.scroll = std::min(state.scroll, all.size() - std::min(all.size(), height));
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(state.scroll);
  const auto count = std::min(all.size() - state.scroll, height);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

std::vector<ColumnPlace> columns_in(size_t width) {
  const auto columns = top_columns();
  std::vector<ColumnPlace> places;
  size_t used = 0;
  for (size_t i = 0; i < columns.size(); i++) {
    places.push_back({i, columns[i].width});
    used += columns[i].width + (i > 0 ? 1 : 0);
  }
  // Those of the highest rank first, and of these the rightmost.
  while (used > width && places.size() > 1) {
    size_t worst = 0;
    for (size_t i = 0; i < places.size(); i++)
      if (columns[places[i].column].rank >= columns[places[worst].column].rank) worst = i;
    used -= places[worst].width + 1;
    places.erase(places.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  if (used > width) places.front().width = width;
  const auto widen = [&](std::string_view title, size_t most) {
    for (auto& place : places) {
      if (columns[place.column].title != title || used >= width) continue;
      const size_t more = std::min(width - used, most - std::min(most, place.width));
      place.width += more;
      used += more;
    }
  };
  widen("NAME", kMostName / 2);
  widen("CULPRIT", kMostCulprit);
  widen("NAME", kMostName);
  return places;
}

size_t list_page(size_t height) {
  const auto around = frame(height);
  const size_t taken = around.above + around.below + 1;
  return height - std::min(height, taken);
}

std::vector<Line> top_view(TopState& state, const TopPicture& picture, size_t width,
                           size_t height) {
  if (width == 0 || height == 0) return {};
  const auto around = frame(height);
  const size_t middle = height - around.above - around.below;
  std::vector<Line> lines;
  if (around.above > 0) lines.push_back(status_line(state, picture, width));
  const auto body = state.screen == TopScreen::kHelp ? scrolled(state, help_lines(width), middle)
                    : state.screen == TopScreen::kVm
                        ? scrolled(state, vm_lines(state, picture, width), middle)
                        : list_view(state, picture, width, height);
  lines.insert(lines.end(), body.begin(), body.end());
  lines.resize(height - around.below);
  if (around.below > 0) lines.push_back(footer(state, width));
  return lines;
}

}  // namespace vmflow
