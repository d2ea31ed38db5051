// SPDX-License-Identifier: GPL-2.0-only
// Files by which vmflowd knows again what it has made.
#pragma once

namespace vmflow {

/// In each snapshot. A folder without it was made by somebody else, and is never listed, counted or
/// removed.
inline constexpr const char* kSnapshotMarker = ".vmflow-snapshot";
/// In the folder of all snapshots: held by the agent that writes there.
inline constexpr const char* kSnapshotLock = ".lock";

/// Of folders that last a moment: what such a name begins with.
inline constexpr const char* kScratchPrefix = ".vmflow-scratch-";

}  // namespace vmflow
