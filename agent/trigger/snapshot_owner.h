// SPDX-License-Identifier: GPL-2.0-only
// Snapshots belong to the user that vmflowd runs as, though root starts it.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace vmflow {

/// As root: makes `folder` (and its parents, which stay root's), or gives to the user what an agent
/// has left there that ran as root. A folder that is neither empty nor was ever one for snapshots
/// stays as it is, and so does what vmflowd did not make in it: a setting may name any folder of
/// the host. Errors: none here; SnapshotStore::open() says what is wrong.
void give_snapshot_folder(const std::filesystem::path& folder, uid_t user, gid_t group);

}  // namespace vmflow
