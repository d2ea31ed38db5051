// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_folders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <set>

namespace vmflow {
namespace {

namespace fs = std::filesystem;

constexpr int kMostDepth = 16;  // LTTng nests six: session, archives, chunk, ust, uid, bits
constexpr size_t kMostTraces = 1000;

Result<void> search(const fs::path& folder, int depth, std::set<std::string>& found);

/// The files of a trace. LTTng keeps an `index` beside them, which is no trace.
Result<void> check_files(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto type = at->symlink_status(error).type();
    if (error || type == fs::file_type::directory) continue;
    if (type != fs::file_type::regular)
      return failure(fmt::format("the trace {} holds {}, which is no regular file: remove it",
                                 folder.string(), at->path().filename().string()));
    if (eaccess(at->path().c_str(), R_OK) != 0)
      return failure(fmt::format("cannot read {}: run as a user who may", at->path().string()));
  }
  if (error)
    return failure(fmt::format("cannot read the folder {}: {}", folder.string(), error.message()));
  return {};
}

Result<void> search_below(const fs::path& folder, int depth, std::set<std::string>& found) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->symlink_status(error).type() != fs::file_type::directory) continue;
    if (auto done = search(at->path(), depth + 1, found); !done) return done;
  }
  if (error)
    return failure(fmt::format("cannot read the folder {}: {}", folder.string(), error.message()));
  return {};
}

Result<void> search(const fs::path& folder, int depth, std::set<std::string>& found) {
  if (depth > kMostDepth)
    return failure(fmt::format("{} is too deep: name the trace's own folder", folder.string()));
  std::error_code error;
  const auto type = fs::symlink_status(folder / "metadata", error).type();
  if (type == fs::file_type::none)
    return failure(fmt::format("cannot look into {}: {}", folder.string(), error.message()));
  if (type == fs::file_type::not_found || type == fs::file_type::directory)
    return search_below(folder, depth, found);
  if (auto good = check_files(folder); !good) return good;
  found.insert(folder.string());
  if (found.size() > kMostTraces)
    return failure(fmt::format("more than {} traces: name fewer folders", kMostTraces));
  return {};
}

}  // namespace

Result<std::vector<std::string>> find_trace_folders(const std::vector<std::string>& paths) {
  std::set<std::string> all;
  for (const auto& path : paths) {
    std::error_code error;
    const auto folder = fs::canonical(path, error);
    if (error) return failure(fmt::format("cannot open {}: {}", path, error.message()));
    if (!fs::is_directory(folder, error))
      return failure(fmt::format("{} is no folder: name the folder that holds 'metadata'", path));
    std::set<std::string> found;
    if (auto done = search(folder, 0, found); !done)
      return tl::unexpected<Error>(std::move(done.error()));
    if (found.empty())
      return failure(fmt::format(
          "no CTF trace in {}: a trace is a folder that holds a file 'metadata'", path));
    all.merge(found);
  }
  if (all.empty()) return failure("no folder was named");
  return std::vector<std::string>(all.begin(), all.end());
}

}  // namespace vmflow
