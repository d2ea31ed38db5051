// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/long_lists.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kUsualRow = 40;

std::string written(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

RowsText& RowsText::number(int64_t number) {
  at_ = std::to_chars(at_, row_.data() + row_.size(), number).ptr;
  *at_++ = ',';
  return *this;
}

RowsText& RowsText::word(std::string_view word) {
  *at_++ = '"';
  at_ = std::copy(word.begin(), word.end(), at_);
  *at_++ = '"';
  *at_++ = ',';
  return *this;
}

void RowsText::end_row() {
  at_[-1] = ']';
  *at_++ = ',';
  text_.append(row_.data(), at_);
}

void RowsText::end() {
  if (at_ == nullptr)
    text_ += ']';
  else
    text_.back() = ']';
}

Json LongLists::add(size_t rows, std::function<void(RowsText&)> write) {
  rows_ += rows;
  lists_.push_back(std::move(write));
  return Json::binary({}, lists_.size() - 1);
}

std::string LongLists::text(const Json& tree) const {
  std::string text;
  text.reserve(rows_ * kUsualRow);
  append(tree, text);
  return text;
}

void LongLists::append(const Json& tree, std::string& text) const {
  if (tree.is_binary()) {
    RowsText rows(text);
    lists_[tree.get_binary().subtype()](rows);
    return rows.end();
  }
  if (!tree.is_structured() || tree.empty()) {
    text += written(tree);
    return;
  }
  text += tree.is_object() ? '{' : '[';
  for (auto each = tree.begin(); each != tree.end(); ++each) {
    if (tree.is_object()) text += written(Json(each.key())) + ':';
    append(*each, text);
    text += ',';
  }
  text.back() = tree.is_object() ? '}' : ']';
}

}  // namespace vmflow
