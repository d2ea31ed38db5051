// SPDX-License-Identifier: GPL-2.0-only
// The folder of snapshots: one folder for each, whole or not there at all; bounded, the oldest go
// first. It touches nothing but what it has made itself, and follows no symbolic link.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/result.h"
#include "agent/trigger/snapshot_policy.h"

namespace vmflow {

/// Units: bytes.
struct StoreLimits {
  uint64_t quota_bytes = uint64_t{4} << 30;     ///< of all snapshots together
  uint64_t min_free_bytes = uint64_t{1} << 30;  ///< that must stay free in the file system
};

/// A snapshot that is kept.
struct StoredSnapshot {
  std::string id;
  uint64_t number = 0;  ///< of the id
  uint64_t bytes = 0;
};

/// A snapshot that is being written: under another name, and gone again if it is not completed.
class PendingSnapshot {
 public:
  PendingSnapshot(std::filesystem::path path, std::string id)
      : path_(std::move(path)), id_(std::move(id)) {}
  PendingSnapshot(PendingSnapshot&& other) noexcept;
  PendingSnapshot& operator=(PendingSnapshot&&) = delete;
  ~PendingSnapshot();

  const std::filesystem::path& path() const { return path_; }
  const std::string& id() const { return id_; }
  /// Errors: what the file system says.
  Result<void> write(const std::string& name, std::string_view text) const;
  /// Makes a folder in it. Errors: the same.
  Result<std::filesystem::path> make_folder(const std::string& name) const;
  /// Removes such a folder and all that is in it.
  void remove_folder(const std::string& name) const;

 private:
  friend class SnapshotStore;
  std::filesystem::path path_;
  std::string id_;
};

/// Threads: begin() and complete() from one, the rest from any.
class SnapshotStore {
 public:
  /// Makes the folder if it is not there, locks it, removes what a crash has left.
  /// Errors: not writable, writable for others, in use by another agent; with what to do.
  static Result<std::unique_ptr<SnapshotStore>> open(const std::filesystem::path& folder,
                                                     const StoreLimits& limits);
  ~SnapshotStore();

  /// An id that no snapshot here has or will get again. Touches no file.
  std::string new_id(std::time_t now);

  /// Is there room for `bytes` more, once the oldest are gone? The newest is never given up.
  Room room(uint64_t bytes) const;

  /// Begins a snapshot. Makes room first. Errors: no room, or what the file system says.
  Result<PendingSnapshot> begin(const std::string& id, uint64_t expected_bytes);

  /// Shows it under its own name. Errors: it is larger than the quota, or cannot be renamed; it is
  /// then gone.
  Result<StoredSnapshot> complete(PendingSnapshot pending);

  /// Adds a file to a snapshot that is complete. Errors: it is gone, or what the file system says.
  Result<void> add(const std::string& id, const std::string& name, std::string_view text);

  std::vector<StoredSnapshot> list() const;  ///< the oldest first
  uint64_t stored_bytes() const;
  const std::filesystem::path& folder() const { return folder_; }

  /// The text of a file of a snapshot; nullopt if there is no such snapshot or file.
  std::optional<std::string> read(std::string_view id, const std::string& name) const;
  /// Names of the regular files in a snapshot, as paths below it.
  std::vector<std::string> files_of(std::string_view id) const;

 private:
  class Lock;
  SnapshotStore(std::filesystem::path folder, const StoreLimits& limits,
                std::unique_ptr<Lock> lock);
  void find_what_is_there();
  void evict_until(uint64_t most_bytes);

  const std::filesystem::path folder_;
  const StoreLimits limits_;
  std::unique_ptr<Lock> lock_;
  mutable std::mutex mutex_;
  uint64_t last_number_ = 0;          // guarded by mutex_
  std::vector<StoredSnapshot> kept_;  // by number; guarded by mutex_
};

}  // namespace vmflow
