// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/long_lists.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

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

std::string RowsText::take() && {
  if (text_.size() == 1)
    text_ += ']';
  else
    text_.back() = ']';
  return std::move(text_);
}

Json LongLists::add(std::string list) {
  lists_.push_back(std::move(list));
  return Json::binary({}, lists_.size() - 1);
}

std::string LongLists::text(const Json& tree) const {
  size_t bytes = 0;
  for (const auto& list : lists_) bytes += list.size();
  std::string text;
  text.reserve(bytes + bytes / 8);
  append(tree, text);
  return text;
}

void LongLists::append(const Json& tree, std::string& text) const {
  if (tree.is_binary()) {
    text += lists_[tree.get_binary().subtype()];
    return;
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
