// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/output.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>

namespace vmflow {

int fail(const std::string& message, int status) {
  fmt::print(stderr, "vmflow: {}\n", message);
  return status;
}

int write_out(const std::string& text, const std::string& output) {
  if (output.empty() || output == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? kDone
                                                                : fail("cannot write to stdout");
  }
  std::ofstream file(output, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  return file ? kDone : fail(fmt::format("cannot write '{}'", output));
}

}  // namespace vmflow
