// SPDX-License-Identifier: GPL-2.0-only
// What an API call is answered with.
#pragma once

#include <cstdint>
#include <string>

namespace vmflow {

struct HttpAnswer {
  int status = 200;
  std::string json;
  uint64_t retry_after_seconds = 0;  ///< 0: not said
};

}  // namespace vmflow
