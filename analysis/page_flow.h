// SPDX-License-Identifier: GPL-2.0-only
// How large the page of metrics is: part of the model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vmflow {

struct PageFlow {
  /// A metric that is not on the page, since it would have had that many series.
  struct LeftOut {
    std::string metric;
    uint64_t series = 0;
  };
  uint64_t series = 0;  ///< of the whole page
  uint64_t limit = 0;
  std::vector<LeftOut> left_out;
};

}  // namespace vmflow
