// SPDX-License-Identifier: GPL-2.0-only
// A scraped page, taken apart.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmflow::lab {

using Labels = std::map<std::string, std::string>;

struct Series {
  std::string name;
  Labels labels;
  double value = 0;
};

/// The series of a page in the text exposition format.
class Page {
 public:
  /// Errors: throws std::runtime_error at a line that is none of the format.
  explicit Page(std::string text);

  const std::string& text() const { return text_; }
  const std::vector<Series>& series() const { return series_; }
  /// All series of `name` whose labels contain `labels`.
  std::vector<Series> find(std::string_view name, const Labels& labels = {}) const;
  /// Their sum; 0 if there is none.
  double sum(std::string_view name, const Labels& labels = {}) const;
  bool has(std::string_view name, const Labels& labels = {}) const {
    return !find(name, labels).empty();
  }
  /// `{type, …}` of every family: name to type.
  const std::map<std::string, std::string>& types() const { return types_; }

  /// The label vm of the only VM of process `pid`; empty if there is none.
  std::string vm_of(int pid) const;

 private:
  std::string text_;
  std::vector<Series> series_;
  std::map<std::string, std::string> types_;
};

}  // namespace vmflow::lab
