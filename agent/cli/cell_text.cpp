// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/cell_text.h"

#include <algorithm>
#include <clocale>
#include <cstdint>
#include <cwchar>
#include <string>
#include <utility>

#include "exporters/report_tables.h"

namespace vmflow {
namespace {

/// The C library's table of widths for UTF-8, whatever the user's locale: for as long as it lives,
/// on this thread.
class Utf8Widths {
 public:
  Utf8Widths() : before_(uselocale(utf8())) {}
  ~Utf8Widths() { uselocale(before_); }
  Utf8Widths(const Utf8Widths&) = delete;
  Utf8Widths& operator=(const Utf8Widths&) = delete;

 private:
  // Lives as long as the program. Without it (a C library before 2.35) all but ASCII is replaced.
  static locale_t utf8() {
    static const locale_t kUtf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return kUtf8;
  }
  locale_t before_;
};

/// Takes the next character off `text`, which is valid UTF-8.
std::string_view next_character(std::string_view& text) {
  size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
    length++;
  const auto character = text.substr(0, length);
  text.remove_prefix(length);
  return character;
}

/// Cells of one character; -1 if it cannot be shown.
int character_width(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first >= 0x20 && first < 0x7f ? 1 : -1;
  uint32_t code = first & (0xffu >> (character.size() + 1));
  for (const char byte : character.substr(1))
    code = code << 6 | (static_cast<unsigned char>(byte) & 0x3f);
  return wcwidth(static_cast<wchar_t>(code));
}

}  // namespace

size_t cell_width(std::string_view text) {
  const Utf8Widths widths;
  size_t width = 0;
  while (!text.empty()) {
    const int cells = character_width(next_character(text));
    width += cells > 0 ? static_cast<size_t>(cells) : 0;
  }
  return width;
}

std::string in_cells(std::string_view text) {
  const auto clean = shown_text(text);
  const Utf8Widths widths;
  std::string out;
  for (std::string_view rest = clean; !rest.empty();) {
    const auto character = next_character(rest);
    const int cells = character_width(character);
    if (cells > 0) out += character;
    if (cells < 0) out += '?';
  }
  return out;
}

std::string cut_to(std::string_view text, size_t width) {
  if (cell_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  const Utf8Widths widths;
  std::string out;
  size_t used = 1;  // the mark
  while (!text.empty()) {
    const auto character = next_character(text);
    used += static_cast<size_t>(std::max(0, character_width(character)));
    if (used > width) break;
    out += character;
  }
  return out + "~";
}

std::string left_in(std::string_view text, size_t width) {
  auto cut = cut_to(text, width);
  return cut + std::string(width - cell_width(cut), ' ');
}

std::string right_in(std::string_view text, size_t width) {
  const auto cut = cut_to(text, width);
  return std::string(width - cell_width(cut), ' ') + cut;
}

std::vector<std::string> wrapped_to(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty() && width > 0) {
    const auto end = text.find(' ');
    const auto word = cut_to(text.substr(0, end), width);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (word.empty()) continue;
    if (!line.empty() && cell_width(line) + 1 + cell_width(word) > width)
      lines.push_back(std::exchange(line, ""));
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace vmflow
