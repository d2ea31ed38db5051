// SPDX-License-Identifier: GPL-2.0-only
// What can be set of libvirt.
#include <fmt/format.h>

#include "agent/settings.h"

namespace vmflow {
namespace {

// Of this host, and through no program that libvirt would start: VMs elsewhere are not ours.
Result<void> set_uri(Config& config, const std::string& value) {
  const bool is_local = value.starts_with("qemu:///") || value.starts_with("qemu+unix:///");
  if (value != "auto" && value != "off" && !is_local)
    return failure(
        fmt::format("libvirt.uri: '{}' is neither auto nor off, and begins with neither qemu:/// "
                    "nor qemu+unix:///",
                    one_line(value)));
  config.libvirt_uri = value;
  return {};
}

Result<void> set_interval(Config& config, int64_t value) {
  if (value < 1 || value > 3600)
    return failure(fmt::format("libvirt.interval-seconds: {} is not between 1 and 3600", value));
  config.libvirt_interval_seconds = static_cast<uint32_t>(value);
  return {};
}

}  // namespace

std::vector<Setting> libvirt_settings() {
  static const Config defaults;
  return {
      {"libvirt.uri",
       "ask this libvirt for titles and metadata of VMs, read-only: auto (qemu:///system once its "
       "socket for reading is there), off, or a URI that begins with qemu:/// or qemu+unix:/// "
       "(auto)",
       Text(set_uri)},
      {"libvirt.interval-seconds",
       fmt::format("between two lists of libvirt's domains ({})",
                   defaults.libvirt_interval_seconds),
       Number(set_interval)},
  };
}

}  // namespace vmflow
