// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_owner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <system_error>
#include <vector>

#include "agent/trigger/snapshot_names.h"

namespace vmflow {
namespace {

namespace fs = std::filesystem;

/// Of root, and nobody else can change what is in it while we look.
bool is_roots_alone(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == 0 &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool is_plain_file(const fs::path& path) {
  std::error_code failed;
  return fs::is_regular_file(fs::symlink_status(path, failed));
}

bool is_of_vmflow(const fs::path& folder) {
  return is_roots_alone(folder) && (is_plain_file(folder / kSnapshotMarker) ||
                                    folder.filename().string().starts_with(kScratchPrefix));
}

bool was_for_snapshots(const fs::path& folder) {
  std::error_code failed;
  return is_plain_file(folder / kSnapshotLock) || fs::is_empty(folder, failed);
}

void give(const fs::path& path, uid_t user, gid_t group) {
  static_cast<void>(::lchown(path.c_str(), user, group));
}

// Does not follow links.
void give_tree(const fs::path& folder, uid_t user, gid_t group) {
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed))
    give(entry->path(), user, group);
  give(folder, user, group);
}

}  // namespace

void give_snapshot_folder(const fs::path& folder, uid_t user, gid_t group) {
  std::error_code failed;
  if (!fs::exists(fs::symlink_status(folder, failed))) {
    fs::create_directories(folder.parent_path(), failed);
    if (::mkdir(folder.c_str(), 0700) == 0) give(folder, user, group);
    return;
  }
  if (!is_roots_alone(folder) || !was_for_snapshots(folder)) return;
  std::vector<fs::path> own;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed))
    if (is_of_vmflow(entry->path())) own.push_back(entry->path());
  for (const auto& each : own) give_tree(each, user, group);
  if (is_plain_file(folder / kSnapshotLock)) give(folder / kSnapshotLock, user, group);
  give(folder, user, group);
}

}  // namespace vmflow
