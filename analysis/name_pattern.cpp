// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/name_pattern.h"

namespace vmflow {

bool name_matches(std::string_view name, std::string_view pattern) {
  constexpr auto kNone = std::string_view::npos;
  size_t at = 0, in = 0, star = kNone, tried = 0;
  while (at < name.size()) {
    if (in < pattern.size() && pattern[in] == '*') {
      star = in++;
      tried = at;
    } else if (in < pattern.size() && pattern[in] == name[at]) {
      in++;
      at++;
    } else if (star != kNone) {
      // The last star takes one more.
      in = star + 1;
      at = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in) == kNone;
}

}  // namespace vmflow
