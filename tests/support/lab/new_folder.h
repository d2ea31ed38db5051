// SPDX-License-Identifier: GPL-2.0-only
// A folder that nobody else has.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace vmflow::lab {

/// Among those for temporary files, its name beginning with `name`. It stays. Errors: throws
/// std::runtime_error.
inline std::string new_folder(const std::string& name) {
  auto path = (std::filesystem::temp_directory_path() / (name + "_XXXXXX")).string();
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder " + path);
  return path;
}

}  // namespace vmflow::lab
