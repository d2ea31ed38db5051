// SPDX-License-Identifier: GPL-2.0-only
// How a test shows what it has measured.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace vmflow::lab {

/// One line of the test's output.
template <typename... Arguments>
void figure(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::print("     {}\n", fmt::format(format, std::forward<Arguments>(arguments)...));
  std::fflush(stdout);
}

}  // namespace vmflow::lab
