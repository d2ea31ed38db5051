// SPDX-License-Identifier: GPL-2.0-only
// Prints the page of a hand-made report, for a browser to look at.
#include <cstdio>
#include <cstring>

#include "exporters/html_report.h"
#include "tests/exporters/hand_made_report.h"

int main(int count, char** arguments) {
  const bool small = count > 1 && std::strcmp(arguments[1], "small") == 0;
  const auto page = vmflow::html_report(small ? vmflow::test::small_report()
                                              : vmflow::test::large_report(100'000));
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
