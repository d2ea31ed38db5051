// SPDX-License-Identifier: GPL-2.0-only
// Text in columns of a terminal, where a character takes two cells, one or none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vmflow {

/// Cells that the text takes. Shape: the text is what in_cells() returns.
size_t cell_width(std::string_view text);

/// Text that somebody else wrote, so that every character has a width: shown_text(), without the
/// characters that take no cell of their own.
std::string in_cells(std::string_view text);

/// No wider than `width` cells; what was cut ends in '~'. Never half a character.
std::string cut_to(std::string_view text, size_t width);

/// Exactly `width` cells, cut or filled up with blanks.
std::string left_in(std::string_view text, size_t width);
std::string right_in(std::string_view text, size_t width);

/// Lines no wider than `width` cells, broken at blanks where there are any.
std::vector<std::string> wrapped_to(std::string_view text, size_t width);

}  // namespace vmflow
