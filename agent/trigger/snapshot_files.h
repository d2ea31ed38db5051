// SPDX-License-Identifier: GPL-2.0-only
// Files and folders of snapshots, without ever following a symbolic link.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// A real folder, not a link to one.
bool is_own_folder(const std::filesystem::path& path);

/// Writes a new file for its owner alone, and waits until it is on disk. Errors: it is there
/// already, or what the file system says.
Result<void> write_new_file(const std::filesystem::path& path, std::string_view text);

/// nullopt if it is no regular file, cannot be read, or is larger than `most_bytes`.
std::optional<std::string> read_file(const std::filesystem::path& path, size_t most_bytes);

/// Removes a folder with all that is in it; links are removed, not what they lead to.
void remove_tree(const std::filesystem::path& folder);

/// Sum of the sizes of the regular files below.
uint64_t bytes_below(const std::filesystem::path& folder);

/// The regular files below, as sorted paths relative to `folder`; no more than `most`.
std::vector<std::string> files_below(const std::filesystem::path& folder, size_t most);

/// Makes changes of names in it last. Errors: what the file system says.
Result<void> sync_folder(const std::filesystem::path& folder);

/// Free for root. Units: bytes. Errors: what the file system says.
Result<uint64_t> free_bytes(const std::filesystem::path& folder);

}  // namespace vmflow
