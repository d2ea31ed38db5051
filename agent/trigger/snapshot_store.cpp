// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "agent/file_handle.h"
#include "agent/trigger/snapshot_files.h"
#include "agent/trigger/snapshot_id.h"
#include "agent/trigger/snapshot_names.h"

namespace vmflow {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarkerText = "Made by vmflowd, which removes this folder when it is old.\n";
constexpr std::string_view kUnfinished = ".unfinished-";
constexpr size_t kMostFileBytes = 64u << 20;
constexpr size_t kMostFiles = 4096;

/// What is added later has this at the end of its name until it is whole.
constexpr const char* kPartial = ".partial";

/// Of an agent that was killed while it added something.
void remove_partial_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  auto entry = fs::directory_iterator(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == kPartial) found.push_back(entry->path());
  for (const auto& path : found) ::unlink(path.c_str());
}

bool is_marked(const fs::path& folder) {
  std::error_code error;
  return is_own_folder(folder) &&
         fs::is_regular_file(fs::symlink_status(folder / kSnapshotMarker, error)) && !error;
}

/// Who else may write there could make it remove or show what he likes.
Result<void> check_owner(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    return failure(fmt::format("trace.dir: '{}' is no folder", folder.string()));
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return failure(fmt::format(
        "trace.dir: '{}' belongs to another user or others may write there: give "
        "vmflowd a folder of its own (chown -R to the user that it runs as, see --user)",
        folder.string()));
  return {};
}

}  // namespace

/// Two agents in one folder would take each other's unfinished snapshots for leftovers. The kernel
/// gives it back when the process is gone, however it went.
class SnapshotStore::Lock {
 public:
  static Result<std::unique_ptr<Lock>> take(const fs::path& folder) {
    const auto path = folder / kSnapshotLock;
    FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file)
      return failure(fmt::format("trace.dir: cannot write in '{}': {}", folder.string(),
                                 std::strerror(errno)));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
      return failure(
          fmt::format("trace.dir: '{}' is in use by another vmflowd: choose another --trace.dir",
                      folder.string()));
    return std::make_unique<Lock>(std::move(file));
  }
  explicit Lock(FileHandle file) : file_(std::move(file)) {}

 private:
  FileHandle file_;
};

PendingSnapshot::PendingSnapshot(PendingSnapshot&& other) noexcept
    : path_(std::move(other.path_)), id_(std::move(other.id_)) {
  other.path_.clear();
}

PendingSnapshot::~PendingSnapshot() {
  if (!path_.empty()) remove_tree(path_);
}

Result<void> PendingSnapshot::write(const std::string& name, std::string_view text) const {
  return write_new_file(path_ / name, text);
}

Result<fs::path> PendingSnapshot::make_folder(const std::string& name) const {
  const auto folder = path_ / name;
  if (::mkdir(folder.c_str(), 0700) != 0)
    return failure(fmt::format("{}: cannot be made: {}", folder.string(), std::strerror(errno)));
  return folder;
}

void PendingSnapshot::remove_folder(const std::string& name) const {
  remove_tree(path_ / name);
}

SnapshotStore::SnapshotStore(fs::path folder, const StoreLimits& limits, std::unique_ptr<Lock> lock)
    : folder_(std::move(folder)), limits_(limits), lock_(std::move(lock)) {}
SnapshotStore::~SnapshotStore() = default;

Result<std::unique_ptr<SnapshotStore>> SnapshotStore::open(const fs::path& folder,
                                                           const StoreLimits& limits) {
  std::error_code error;
  if (!fs::exists(folder, error)) {
    fs::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0)
      return failure(
          fmt::format("trace.dir: cannot make '{}': {}", folder.string(), std::strerror(errno)));
  }
  if (auto checked = check_owner(folder); !checked) return tl::unexpected(checked.error());
  auto lock = Lock::take(folder);
  if (!lock) return tl::unexpected(lock.error());
  std::unique_ptr<SnapshotStore> store(new SnapshotStore(folder, limits, std::move(*lock)));
  store->find_what_is_there();
  return store;
}

void SnapshotStore::find_what_is_there() {
  std::error_code error;
  std::vector<fs::path> leftovers;
  auto entry = fs::directory_iterator(folder_, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name.starts_with(kUnfinished)) {
      if (!number_of_snapshot(std::string_view(name).substr(kUnfinished.size()))) continue;
      leftovers.push_back(entry->path());
    } else if (const auto number = number_of_snapshot(name); number) {
      last_number_ = std::max(last_number_, *number);
      if (!is_marked(entry->path())) continue;
      remove_partial_files(entry->path());
      kept_.push_back({name, *number, bytes_below(entry->path())});
    }
  }
  std::ranges::sort(kept_, {}, &StoredSnapshot::number);
  for (const auto& leftover : leftovers) {
    std::error_code ignored;
    if (is_marked(leftover))
      remove_tree(leftover);
    else if (is_own_folder(leftover))
      fs::remove(leftover, ignored);  // a crash before the marker was there: it is empty, or stays
  }
}

std::string SnapshotStore::new_id(std::time_t now) {
  const std::lock_guard lock(mutex_);
  return snapshot_id(now, ++last_number_);
}

Room SnapshotStore::room(uint64_t bytes) const {
  uint64_t newest = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) newest = kept_.back().bytes;
  }
  if (newest + bytes > limits_.quota_bytes) return Refusal::kQuota;
  const auto free = free_bytes(folder_);
  if (!free || *free < limits_.min_free_bytes + bytes) return Refusal::kDisk;
  return std::nullopt;
}

void SnapshotStore::evict_until(uint64_t most_bytes) {
  for (;;) {
    StoredSnapshot oldest;
    {
      const std::lock_guard lock(mutex_);
      uint64_t bytes = 0;
      for (const auto& kept : kept_) bytes += kept.bytes;
      if (bytes <= most_bytes || kept_.size() < 2) return;
      oldest = kept_.front();
      kept_.erase(kept_.begin());
    }
    if (is_marked(folder_ / oldest.id)) remove_tree(folder_ / oldest.id);
  }
}

Result<PendingSnapshot> SnapshotStore::begin(const std::string& id, uint64_t expected_bytes) {
  if (!number_of_snapshot(id)) return failure(fmt::format("'{}' is no id of a snapshot", id));
  if (const auto refused = room(expected_bytes); refused == Refusal::kQuota)
    return failure(
        "no room: the newest snapshot is kept and leaves too little of --trace.quota-mib");
  else if (refused)
    return failure(
        fmt::format("no room: the file system of '{}' is too full: see "
                    "--trace.min-free-mib",
                    folder_.string()));
  evict_until(limits_.quota_bytes - expected_bytes);
  const auto path = folder_ / (std::string(kUnfinished) + id);
  if (::mkdir(path.c_str(), 0700) != 0)
    return failure(fmt::format("{}: cannot be made: {}", path.string(), std::strerror(errno)));
  PendingSnapshot pending(path, id);
  if (auto written = pending.write(kSnapshotMarker, kMarkerText); !written)
    return tl::unexpected(written.error());
  return pending;
}

Result<void> SnapshotStore::add(const std::string& id, const std::string& name,
                                std::string_view text) {
  const auto folder = folder_ / id;
  if (!is_own_folder(folder)) return failure(fmt::format("{}: it is gone", folder.string()));
  // Under another name until it is whole: who waits for it reads no half.
  const auto partial = folder / (name + kPartial);
  auto written = write_new_file(partial, text);
  // Nothing is replaced.
  if (written && ::renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, (folder / name).c_str(),
                             RENAME_NOREPLACE) != 0)
    written =
        failure(fmt::format("{}: cannot be renamed: {}", partial.string(), std::strerror(errno)));
  if (!written) {
    ::unlink(partial.c_str());
    return written;
  }
  {
    const std::lock_guard lock(mutex_);
    for (auto& kept : kept_)
      if (kept.id == id) kept.bytes += text.size();
  }
  evict_until(limits_.quota_bytes);
  return {};
}

Result<StoredSnapshot> SnapshotStore::complete(PendingSnapshot pending) {
  StoredSnapshot stored{pending.id(), number_of_snapshot(pending.id()).value_or(0),
                        bytes_below(pending.path())};
  if (stored.bytes > limits_.quota_bytes)
    return failure(
        fmt::format("the snapshot has {} bytes, more than --trace.quota-mib allows all together",
                    stored.bytes));
  if (auto synced = sync_folder(pending.path()); !synced) return tl::unexpected(synced.error());
  const auto place = folder_ / pending.id();
  // A folder that is there already is never replaced, not even an empty one.
  if (::renameat2(AT_FDCWD, pending.path().c_str(), AT_FDCWD, place.c_str(), RENAME_NOREPLACE) != 0)
    return failure(fmt::format("{}: cannot be renamed: {}", place.string(), std::strerror(errno)));
  pending.path_.clear();
  {
    const std::lock_guard lock(mutex_);
    kept_.push_back(stored);
  }
  evict_until(limits_.quota_bytes);
  static_cast<void>(sync_folder(folder_));  // it is there; a power cut may take it
  return stored;
}

std::vector<StoredSnapshot> SnapshotStore::list() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

uint64_t SnapshotStore::stored_bytes() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& kept : kept_) bytes += kept.bytes;
  return bytes;
}

std::optional<std::string> SnapshotStore::read(std::string_view id, const std::string& name) const {
  if (!number_of_snapshot(id)) return std::nullopt;
  const auto folder = folder_ / std::string(id);
  if (!is_marked(folder)) return std::nullopt;
  return read_file(folder / name, kMostFileBytes);
}

std::vector<std::string> SnapshotStore::files_of(std::string_view id) const {
  if (!number_of_snapshot(id)) return {};
  const auto folder = folder_ / std::string(id);
  if (!is_marked(folder)) return {};
  auto files = files_below(folder, kMostFiles);
  std::erase(files, kSnapshotMarker);
  return files;
}

}  // namespace vmflow
