// SPDX-License-Identifier: GPL-2.0-only
// What checks share: reads below the root of a host, and words of remedies.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/cli/doctor_check.h"

namespace vmflow {

CheckFinding fine(std::string found);
CheckFinding degraded(std::string found, std::string remedy);
CheckFinding missing(std::string found, std::string remedy);
CheckFinding cannot_tell(std::string found, std::string remedy);

/// `path` is relative to the root. Errors: none; what cannot be looked at is not there.
bool is_there(const DoctorHost& host, std::string_view path);
/// At most 1 MiB. Errors: empty.
std::string text_at(const DoctorHost& host, std::string_view path);
/// At most 200 bytes, without the end of the line. Errors: empty.
std::string line_at(const DoctorHost& host, std::string_view path);
std::optional<int64_t> number_at(const DoctorHost& host, std::string_view path);
/// What follows `key` on its line of a file of keys, such as /proc/self/status. Errors: empty.
std::string value_at(const DoctorHost& host, std::string_view path, std::string_view key);
/// Is `word` one of the words of `text`?
bool has_word(std::string_view text, std::string_view word);
bool is_command_there(const DoctorHost& host, std::string_view program);

bool caller_is_root(const DoctorHost& host);
bool runs_systemd(const DoctorHost& host);
bool agent_is_attached(const DoctorHost& host);

/// `command` as the caller has to type it: with sudo, unless it is root.
std::string as_root(const DoctorHost& host, const std::string& command);
/// A whole line for the shell, redirections too.
std::string line_as_root(const DoctorHost& host, const std::string& line);
/// Adds `parameter` to the kernel's command line, for good.
std::string boot_with(const DoctorHost& host, const std::string& parameter);
std::string install(const DoctorHost& host, const std::string& package);
/// One word for the shell, whatever is in it.
std::string shell_word(const std::string& text);

/// Sum of a metric's series in lines of a metrics page; nullopt if it has none.
std::optional<double> sum_of(const AgentWords& agent, std::string_view metric);
/// The value of `label` in the first series of `metric`. Errors: empty.
std::string label_of(std::string_view line, std::string_view label);
/// Lines of `metric`, each with its value. Shape: views into `agent`.
std::vector<std::pair<std::string_view, double>> series_of(const AgentWords& agent,
                                                           std::string_view metric);

}  // namespace vmflow
