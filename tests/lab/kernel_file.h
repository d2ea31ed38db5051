// SPDX-License-Identifier: GPL-2.0-only
// Files of the kernel's own file systems, which a test sets.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace vmflow::lab {

/// Errors: throws std::runtime_error.
inline void write_kernel_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  if (!out) throw std::runtime_error("cannot write " + text + " to " + file.string());
}

}  // namespace vmflow::lab
