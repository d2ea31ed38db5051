// SPDX-License-Identifier: GPL-2.0-only
// How the agent reports what can fail: a value, or one sentence that says what to do.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace vmflow {

struct Error {
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> failure(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace vmflow
