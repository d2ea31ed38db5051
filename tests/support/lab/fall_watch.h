// SPDX-License-Identifier: GPL-2.0-only
// Watches scraped pages for counters that fall.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "page.h"

namespace vmflow::lab {

class FallWatch {
 public:
  /// Takes in the next page. Returns one line for each counter that fell while its series lived.
  std::vector<std::string> look(const Page& page);

 private:
  std::map<std::string, double> last_;
};

}  // namespace vmflow::lab
