// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/host_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agent/sources/ctf_events.h"

namespace vmflow {
namespace {

/// What a folder's traces say of where they were recorded; empty: not told.
struct Origin {
  std::string boot;
  std::string host;
};

struct Group {
  Origin origin;
  HostFolders folders;
};

Result<Origin> origin_of(const std::string& path) {
  CtfReadOptions options;
  options.on_progress = [](const TraceContents&) { return false; };
  const auto contents = read_ctf_isolated({path}, options, [](const Event&) { return false; });
  if (!contents) return tl::unexpected(contents.error());
  Origin origin;
  for (const auto& trace : contents->traces) {
    if (origin.boot.empty()) origin.boot = trace.clock.uuid;
    if (origin.host.empty()) origin.host = trace.hostname;
  }
  return origin;
}

// A name may be that of many hosts, the id of a boot is of one.
bool is_same(const Origin& a, const Origin& b) {
  if (!a.boot.empty() && !b.boot.empty()) return a.boot == b.boot;
  return a.host == b.host;
}

std::string name_of(const Origin& origin, const std::string& path) {
  if (!origin.host.empty()) return origin.host;
  std::error_code error;
  return std::filesystem::weakly_canonical(path, error).filename().string();
}

void number_equal_names(std::vector<HostFolders>& hosts) {
  for (size_t i = 0; i < hosts.size(); i++) {
    int number = 1;
    for (size_t j = i + 1; j < hosts.size(); j++)
      if (hosts[j].name == hosts[i].name)
        hosts[j].name = fmt::format("{} ({})", hosts[j].name, ++number);
  }
}

}  // namespace

Result<std::vector<HostFolders>> hosts_of(const std::vector<std::string>& paths) {
  std::vector<Group> groups;
  for (const auto& path : paths) {
    // One folder is one host: nothing to find out.
    const auto origin = paths.size() == 1 ? Result<Origin>(Origin{}) : origin_of(path);
    if (!origin) return tl::unexpected(origin.error());
    auto group = std::ranges::find_if(
        groups, [&](const Group& other) { return is_same(other.origin, *origin); });
    if (group == groups.end())
      group = groups.insert(groups.end(), {*origin, {name_of(*origin, path), {}}});
    group->folders.paths.push_back(path);
    if (group->origin.boot.empty()) group->origin.boot = origin->boot;
  }
  std::vector<HostFolders> hosts;
  for (auto& group : groups) hosts.push_back(std::move(group.folders));
  number_equal_names(hosts);
  return hosts;
}

}  // namespace vmflow
