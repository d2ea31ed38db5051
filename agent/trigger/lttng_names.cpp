// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_names.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "agent/sources/proc_files.h"

namespace vmflow {
namespace {

constexpr std::string_view kPrefix = "vmflow-";

/// All of `text`, written as a number is written: no sign, no leading zero.
template <typename T>
std::optional<T> number_in(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return number;
}

}  // namespace

std::string lttng_session_name(const ProcessKey& owner) {
  return fmt::format("{}{}-{}", kPrefix, owner.pid, owner.start_ticks);
}

std::optional<ProcessKey> lttng_session_owner(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto pid = number_in<uint32_t>(name.substr(0, dash));
  const auto ticks = number_in<uint64_t>(name.substr(dash + 1));
  if (!pid || !ticks || *pid == 0) return std::nullopt;
  return ProcessKey{*pid, *ticks};
}

std::optional<ProcessKey> own_process_key(const std::string& proc) {
  const auto ticks = start_ticks_of(read_proc_file(proc + "/self/stat"));
  if (!ticks) return std::nullopt;
  return ProcessKey{static_cast<uint32_t>(getpid()), *ticks};
}

std::vector<std::string> stale_lttng_sessions(const std::vector<std::string>& sessions,
                                              const std::string& proc) {
  std::vector<std::string> stale;
  for (const auto& session : sessions) {
    const auto owner = lttng_session_owner(session);
    if (!owner) continue;
    const auto stat = read_proc_file(fmt::format("{}/{}/stat", proc, owner->pid));
    if (start_ticks_of(stat) != owner->start_ticks) stale.push_back(session);
  }
  return stale;
}

}  // namespace vmflow
