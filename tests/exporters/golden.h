// SPDX-License-Identifier: GPL-2.0-only
// Texts that are kept beside the tests, so that a change of them is seen.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace vmflow::test {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// `text` is what the file `name` holds; with VMFLOW_WRITE_GOLDEN it is from now on.
inline void expect_golden(const std::string& text, const std::string& name) {
  const std::string path = std::string(VMFLOW_SOURCE_DIR "/tests/exporters/") + name;
  if (std::getenv("VMFLOW_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(lines_of(text), lines_of(golden))
      << "if the change is wanted: VMFLOW_WRITE_GOLDEN=1 and this test again";
}

}  // namespace vmflow::test
