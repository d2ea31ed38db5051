// SPDX-License-Identifier: GPL-2.0-only
// Reads of /proc that more than one source needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vmflow {

/// The bytes of a file, at most 1 MiB of them. Errors: none; what cannot be read is empty.
std::string read_proc_file(const std::string& path);

/// The start time in a process' `stat`. Units: clock ticks since boot.
std::optional<uint64_t> start_ticks_of(const std::string& stat);

/// When the host has booted. Units: seconds since the epoch; 0 if `<proc>/stat` does not say.
double boot_unix_seconds(const std::string& proc);

/// Units: clock ticks to seconds.
double tick_seconds(uint64_t ticks);

}  // namespace vmflow
