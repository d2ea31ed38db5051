// SPDX-License-Identifier: GPL-2.0-only
// Writes exporters/METRICS.md to stdout.
#include <cstdio>

#include "exporters/metrics_md.h"

int main() {
  const auto text = vmflow::metrics_md();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
