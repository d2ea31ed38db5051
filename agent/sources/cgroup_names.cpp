// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/cgroup_names.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/sources/command_line.h"

namespace vmflow {
namespace {

/// What stands between `prefix` and `suffix`, if there is anything.
std::optional<std::string_view> between(std::string_view text, std::string_view prefix,
                                        std::string_view suffix) {
  if (!text.starts_with(prefix) || !text.ends_with(suffix)) return std::nullopt;
  if (text.size() <= prefix.size() + suffix.size()) return std::nullopt;
  text.remove_prefix(prefix.size());
  text.remove_suffix(suffix.size());
  return text;
}

/// A name as it was before systemd made a unit's of it: `\x2d` is a dash, a dash was a slash.
/// Source: systemd-escape(1).
std::string unescaped(std::string_view unit) {
  std::string name;
  for (size_t i = 0; i < unit.size(); i++) {
    unsigned char byte = 0;
    const auto* hex = unit.data() + i + 2;
    if (unit[i] == '\\' && unit.size() - i >= 4 && unit[i + 1] == 'x' &&
        std::from_chars(hex, hex + 2, byte, 16).ptr == hex + 2) {
      name += static_cast<char>(byte);
      i += 3;
    } else {
      name += unit[i] == '-' ? '/' : unit[i];
    }
  }
  return name;
}

/// A uid, or the hash of a pod that has its definition in a file of the node.
std::string pod_uid(std::string_view text) {
  std::string uid(text);
  std::ranges::replace(uid, '_', '-');
  constexpr size_t kHash = 32;
  const bool is_hash =
      uid.size() == kHash && uid.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hash ? uid : valid_uuid(uid);
}

/// One folder of a path, below `parent`.
void read_folder(std::string_view folder, std::string_view parent, bool in_pods,
                 CgroupNames& names) {
  if (const auto unit = between(folder, "machine-", ".scope"); unit && names.machine.empty())
    names.machine = unescaped(*unit);
  if (const auto plain = between(folder, "", ".libvirt-qemu"); plain && names.machine.empty())
    names.machine = *plain;
  if (const auto scope = between(folder, "", ".scope");
      scope && parent == "qemu.slice" && names.vmid.empty())
    names.vmid = valid_vmid(*scope);
  if (!in_pods || !names.pod_uid.empty()) return;
  if (const auto pod = between(folder, "pod", "")) names.pod_uid = pod_uid(*pod);
  if (const auto slice = between(folder, "kubepods", ".slice"))
    if (const auto pod = slice->rfind("-pod"); pod != std::string_view::npos)
      names.pod_uid = pod_uid(slice->substr(pod + 4));
}

void read_path(std::string_view path, CgroupNames& names) {
  std::string_view parent;
  bool in_pods = false;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const auto folder = path.substr(0, slash);
    in_pods |= folder.starts_with("kubepods");
    read_folder(folder, parent, in_pods, names);
    parent = folder;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
}

}  // namespace

CgroupNames read_cgroup(std::string_view file) {
  CgroupNames names;
  while (!file.empty()) {
    const auto end = std::min(file.find('\n'), file.size());
    const auto line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    // number:controllers:path, of which only the path may have further colons.
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second != std::string_view::npos) read_path(line.substr(second + 1), names);
  }
  return names;
}

}  // namespace vmflow
