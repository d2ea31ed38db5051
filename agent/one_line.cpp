// SPDX-License-Identifier: GPL-2.0-only
#include "agent/one_line.h"

#include <algorithm>

#include "analysis/vm_label.h"

namespace vmflow {

std::string one_line(std::string_view text) {
  std::string line = sanitise(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

}  // namespace vmflow
