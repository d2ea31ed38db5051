// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_state.h"

#include <algorithm>

namespace vmflow {
namespace {

constexpr double kLeastDelay = 0.5, kMostDelay = 60;

/// A place moved by a key, from 0 to `last`.
size_t moved(size_t place, TopKey key, size_t last, size_t page) {
  if (key == TopKey::kUp) return place - std::min<size_t>(place, 1);
  if (key == TopKey::kDown) return std::min(place + 1, last);
  if (key == TopKey::kPageUp) return place - std::min(place, page);
  if (key == TopKey::kPageDown) return std::min(place + page, last);
  if (key == TopKey::kHome) return 0;
  return key == TopKey::kEnd ? last : place;
}

void go_back(TopState& state, bool may_end) {
  if (state.screen == TopScreen::kList)
    state.ended = may_end;
  else
    state.screen = state.screen == TopScreen::kHelp ? state.before_help : TopScreen::kList;
  state.scroll = 0;
}

void open(TopState& state, TopScreen screen) {
  if (state.screen == screen) return;
  if (screen == TopScreen::kHelp) state.before_help = state.screen;
  state.screen = screen;
  state.scroll = 0;
}

void sort_by(TopState& state, size_t step) {
  state.sort = (state.sort + step) % top_columns().size();
}

void move(TopState& state, TopKey key, const std::vector<TopRow>& rows, size_t page) {
  constexpr size_t kMostLines = 100'000;  // the view stops at the last line there is
  if (state.screen != TopScreen::kList) {
    state.scroll = moved(state.scroll, key, kMostLines, page);
  } else if (!rows.empty()) {
    state.cursor = moved(std::min(state.cursor, rows.size() - 1), key, rows.size() - 1, page);
    state.chosen = key == TopKey::kHome ? "" : rows[state.cursor].now.id;
  }
}

}  // namespace

void press(TopState& state, TopKey key, const std::vector<TopRow>& rows, size_t page) {
  switch (key) {
    case TopKey::kOpen:
      if (state.screen != TopScreen::kList || rows.empty()) return;
      state.chosen = rows[std::min(state.cursor, rows.size() - 1)].now.id;
      return open(state, TopScreen::kVm);
    case TopKey::kBack:
    case TopKey::kQuit:
      return go_back(state, key == TopKey::kQuit);
    case TopKey::kNextColumn:
      return sort_by(state, 1);
    case TopKey::kPreviousColumn:
      return sort_by(state, top_columns().size() - 1);
    case TopKey::kReverse:
      state.reversed = !state.reversed;
      return;
    case TopKey::kHelp:
      return open(state, TopScreen::kHelp);
    case TopKey::kSlower:
      state.delay_seconds = std::min(state.delay_seconds * 2, kMostDelay);
      return;
    case TopKey::kFaster:
      state.delay_seconds = std::max(state.delay_seconds / 2, kLeastDelay);
      return;
    case TopKey::kUp:
    case TopKey::kDown:
    case TopKey::kPageUp:
    case TopKey::kPageDown:
    case TopKey::kHome:
    case TopKey::kEnd:
      return move(state, key, rows, page);
    case TopKey::kNone:
      return;
  }
}

void take_rows(TopState& state, std::vector<TopRow>& rows) {
  sort_rows(rows, state.sort, state.reversed);
  if (rows.empty()) return;
  const auto its =
      std::ranges::find(rows, state.chosen, [](const TopRow& row) { return row.now.id; });
  if (its != rows.end()) state.cursor = static_cast<size_t>(its - rows.begin());
  state.cursor = std::min(state.cursor, rows.size() - 1);
  const bool is_lost = its == rows.end() && !state.chosen.empty();
  if (is_lost && state.screen == TopScreen::kList) state.chosen = rows[state.cursor].now.id;
}

bool is_gone(const TopState& state, const std::vector<TopRow>& rows) {
  return std::ranges::find(rows, state.chosen, [](const TopRow& row) { return row.now.id; }) ==
         rows.end();
}

void show_cursor(TopState& state, size_t rows, size_t page) {
  page = std::max<size_t>(page, 1);
  state.first = std::min(state.first, rows - std::min(rows, page));
  if (state.cursor < state.first) state.first = state.cursor;
  if (state.cursor >= state.first + page) state.first = state.cursor + 1 - page;
}

}  // namespace vmflow
