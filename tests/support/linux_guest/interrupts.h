// SPDX-License-Identifier: GPL-2.0-only
// The guest's own count of its interrupts.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace vmflow::linux_guest {

/// Interrupts so far over all CPUs, by what handles them (`virtio0-req.0`), or by the short name of
/// those that no device raises (`LOC`, `RES`).
std::map<std::string, int64_t> interrupts();

/// Takes the same from the text of /proc/interrupts.
std::map<std::string, int64_t> parse_interrupts(const std::string& text);

}  // namespace vmflow::linux_guest
