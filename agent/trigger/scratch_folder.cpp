// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/scratch_folder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "agent/trigger/snapshot_names.h"

namespace vmflow {
namespace {

void remove_leftovers(const std::filesystem::path& parent) {
  std::error_code error;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error))
    if (entry.path().filename().string().starts_with(kScratchPrefix) &&
        entry.symlink_status(error).type() == std::filesystem::file_type::directory)
      left.push_back(entry.path());
  for (const auto& folder : left) std::filesystem::remove_all(folder, error);
}

}  // namespace

Result<ScratchFolder> ScratchFolder::make(const std::filesystem::path& parent) {
  remove_leftovers(parent);
  auto name = (parent / (std::string(kScratchPrefix) + "XXXXXX")).string();
  if (mkdtemp(name.data()) == nullptr)
    return failure(fmt::format("{}: {}", parent.string(), std::strerror(errno)));
  return ScratchFolder(name);
}

ScratchFolder::~ScratchFolder() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace vmflow
