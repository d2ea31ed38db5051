// SPDX-License-Identifier: GPL-2.0-only
// The terminal of vmflow top: ncurses and nothing else.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "agent/cli/top_view.h"
#include "agent/result.h"

namespace vmflow {

/// Owns the terminal as long as it lives; it is given back as it was.
class TopTerminal {
 public:
  /// Errors: standard input or output is no terminal, or of a kind that cannot place a cursor.
  static Result<TopTerminal> open(bool colour);
  TopTerminal(TopTerminal&&) noexcept = default;
  TopTerminal& operator=(TopTerminal&&) noexcept = default;

  [[nodiscard]] size_t width() const;
  [[nodiscard]] size_t height() const;
  /// Draws what differs from what is there.
  void draw(const std::vector<Line>& lines);
  /// The next key; kNone if none comes within `wait`, or if the terminal has another size now.
  TopKey key(std::chrono::milliseconds wait);

 private:
  struct Closes {
    void operator()(void* screen) const;
  };
  explicit TopTerminal(void* screen) : screen_(screen) {}
  std::unique_ptr<void, Closes> screen_;
  bool is_utf8_ = false;
  bool has_colour_ = false;
};

}  // namespace vmflow
