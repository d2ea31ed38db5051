// SPDX-License-Identifier: GPL-2.0-only
// A folder that lasts as long as its owner; one that a crash left is removed by the next one.
#pragma once

#include <filesystem>
#include <utility>

#include "agent/result.h"

namespace vmflow {

class ScratchFolder {
 public:
  /// Makes `<parent>/.vmflow-scratch-XXXXXX`, for this user alone; no other process of vmflow uses
  /// the same parent. Errors: the parent is not there, or is not writable.
  static Result<ScratchFolder> make(const std::filesystem::path& parent);

  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace vmflow
