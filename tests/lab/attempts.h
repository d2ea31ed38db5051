// SPDX-License-Identifier: GPL-2.0-only
// The emulated CPU delivers an interrupt twice or never at times, and a guest's kernel fails by it.
#pragma once

#include <exception>
#include <string>

#include "figure.h"

namespace vmflow::lab {

/// What `work` returns: from the beginning again while it throws, `most` times at most. Errors:
/// throws what the last attempt has thrown; the others are printed.
template <typename Work>
auto attempts(int most, Work&& work) {
  for (int attempt = 1;; attempt++) try {
      return work();
    } catch (const std::exception& error) {
      figure("attempt {}: {}", attempt, std::string(error.what()).substr(0, 400));
      if (attempt == most) throw;
    }
}

}  // namespace vmflow::lab
