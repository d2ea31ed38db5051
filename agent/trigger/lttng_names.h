// SPDX-License-Identifier: GPL-2.0-only
// Whose a session is: vmflow-<pid>-<start time in ticks>.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmflow {

/// A process that ever was: a pid alone may be another's by now.
struct ProcessKey {
  uint32_t pid = 0;
  uint64_t start_ticks = 0;
  friend bool operator==(const ProcessKey&, const ProcessKey&) = default;
};

std::string lttng_session_name(const ProcessKey& owner);

/// nullopt for a name that vmflow did not give: not exactly of its form.
std::optional<ProcessKey> lttng_session_owner(std::string_view name);

/// This process. Errors: nullopt if `<proc>/self/stat` cannot be read.
std::optional<ProcessKey> own_process_key(const std::string& proc = "/proc");

/// Those of `sessions` whose owner has ended. An owner in another pid namespace looks ended: agents
/// of one host share its pid namespace (they need it to see VMMs).
std::vector<std::string> stale_lttng_sessions(const std::vector<std::string>& sessions,
                                              const std::string& proc = "/proc");

}  // namespace vmflow
