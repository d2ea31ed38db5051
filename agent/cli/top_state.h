// SPDX-License-Identifier: GPL-2.0-only
// Where the user of vmflow top is, and what a key does to that.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/cli/top_columns.h"

namespace vmflow {

enum class TopScreen { kList, kVm, kHelp };

enum class TopKey {
  kNone,
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kOpen,
  kBack,  ///< Esc: never ends the program
  kQuit,  ///< q: the same, and ends it from the list
  kNextColumn,
  kPreviousColumn,
  kReverse,
  kHelp,
  kSlower,
  kFaster,
};

/// Shape: `cursor` is a place in the sorted rows, `chosen` the id of the VM there; `first` the
/// first place shown; `scroll` the first line shown of a VM or the help.
struct TopState {
  TopScreen screen = TopScreen::kList;
  TopScreen before_help = TopScreen::kList;
  size_t sort = first_sort_column();
  bool reversed = false;
  size_t cursor = 0;
  size_t first = 0;
  size_t scroll = 0;
  std::string chosen;
  double delay_seconds = 2;
  bool ended = false;
};

/// `page` is how many rows the screen has. Shape: `rows` as they are shown.
void press(TopState& state, TopKey key, const std::vector<TopRow>& rows, size_t page);

/// Sorts new rows, and has the cursor follow its VM; if that is gone, the cursor keeps its place.
/// While a VM is looked at, it stays the chosen one even if it is gone.
void take_rows(TopState& state, std::vector<TopRow>& rows);

/// Is the VM that is looked at no longer there?
bool is_gone(const TopState& state, const std::vector<TopRow>& rows);

/// Moves `first` so that the cursor is among `page` rows.
void show_cursor(TopState& state, size_t rows, size_t page);

}  // namespace vmflow
