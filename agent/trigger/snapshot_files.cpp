// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "agent/file_handle.h"

namespace vmflow {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> because(const fs::path& path, const char* what, int error) {
  return failure(fmt::format("{}: {}: {}", path.string(), what, std::strerror(error)));
}

/// Calls `see(entry)` for all that is below, until it returns false.
template <typename See>
void walk(const fs::path& folder, See see) {
  std::error_code error;
  if (!is_own_folder(folder)) return;
  // Does not follow links to folders unless told to.
  auto entry = fs::recursive_directory_iterator(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
    if (!see(*entry)) return;
}

bool is_regular(const fs::directory_entry& entry) {
  std::error_code error;
  return fs::is_regular_file(entry.symlink_status(error)) && !error;
}

}  // namespace

bool is_own_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(fs::symlink_status(path, error)) && !error;
}

Result<void> write_new_file(const fs::path& path, std::string_view text) {
  const FileHandle file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return because(path, "cannot be made", errno);
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return because(path, "cannot be written", errno);
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(file.get()) != 0) return because(path, "cannot be written", errno);
  return {};
}

std::optional<std::string> read_file(const fs::path& path, size_t most_bytes) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (static_cast<uint64_t>(status.st_size) > most_bytes) return std::nullopt;
  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t got = 0;
  while (got < text.size()) {
    const auto read = ::read(file.get(), text.data() + got, text.size() - got);
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return std::nullopt;
    if (read == 0) break;
    got += static_cast<size_t>(read);
  }
  text.resize(got);
  return text;
}

void remove_tree(const fs::path& folder) {
  std::error_code ignored;
  if (is_own_folder(folder)) fs::remove_all(folder, ignored);
}

uint64_t bytes_below(const fs::path& folder) {
  uint64_t bytes = 0;
  walk(folder, [&](const auto& entry) {
    std::error_code error;
    if (!is_regular(entry)) return true;
    const auto size = entry.file_size(error);
    if (!error) bytes += size;
    return true;
  });
  return bytes;
}

std::vector<std::string> files_below(const fs::path& folder, size_t most) {
  std::vector<std::string> files;
  walk(folder, [&](const auto& entry) {
    if (is_regular(entry)) files.push_back(entry.path().lexically_relative(folder).string());
    return files.size() < most;
  });
  std::ranges::sort(files);
  return files;
}

Result<void> sync_folder(const fs::path& folder) {
  const FileHandle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!handle || ::fsync(handle.get()) != 0) return because(folder, "cannot be written", errno);
  return {};
}

Result<uint64_t> free_bytes(const fs::path& folder) {
  std::error_code error;
  const auto space = fs::space(folder, error);
  if (error) return because(folder, "cannot be asked for room", error.value());
  return space.available;
}

}  // namespace vmflow
