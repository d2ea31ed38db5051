// SPDX-License-Identifier: GPL-2.0-only
// Lists of JSON that are too long to be a tree first: their rows are text at once, and the tree
// that they belong to is written around them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace vmflow {

/// Appends rows of numbers and words to a text, as nlohmann would write them without blanks.
class RowsText {
 public:
  explicit RowsText(std::string& text) : text_(text) { text_ += '['; }

  /// Shape: at most eight cells.
  RowsText& begin_row() {
    at_ = row_.data();
    *at_++ = '[';
    return *this;
  }
  RowsText& number(int64_t number);
  /// Shape: at most 32 bytes, of which none has to be escaped.
  RowsText& word(std::string_view word);
  void end_row();

  /// No row comes after it.
  void end();

 private:
  std::string& text_;
  std::array<char, 512> row_;
  char* at_ = nullptr;
};

/// The lists of one tree.
class LongLists {
 public:
  /// What stands in the tree where a list of so many rows belongs: of a kind that no text of others
  /// can be. `write` is called by text().
  nlohmann::ordered_json add(size_t rows, std::function<void(RowsText&)> write);

  /// The tree with its lists, without blanks. Errors: none; bytes that are no UTF-8 are replaced.
  std::string text(const nlohmann::ordered_json& tree) const;

 private:
  void append(const nlohmann::ordered_json& tree, std::string& text) const;

  size_t rows_ = 0;
  std::vector<std::function<void(RowsText&)>> lists_;
};

}  // namespace vmflow
