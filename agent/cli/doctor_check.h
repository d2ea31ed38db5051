// SPDX-License-Identifier: GPL-2.0-only
// What vmflow doctor looks at: one table of checks over what was gathered of a host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/result.h"
#include "agent/sources/kernel_support.h"

namespace vmflow {

/// `unknown` is an answer: this caller cannot see it.
enum class Health { ok, degraded, missing, unknown };

/// How much depends on it.
enum class Need {
  required,  ///< without it vmflow measures nothing
  useful,    ///< without it vmflow tells less
  advice,    ///< vmflow can do without, its operator is better off with it
};

/// What was found, in words, and the one command that mends it; empty if all is well.
struct CheckFinding {
  Health health = Health::ok;
  std::string found;
  std::string remedy;
};

/// What the agent said of itself.
struct AgentWords {
  std::string problem;             ///< why there is no answer; empty: it answers
  bool is_ready = false;           ///< its programs are attached
  std::vector<std::string> lines;  ///< of its metrics page, those that agent_words() keeps
};

/// Where vmflowd keeps its snapshots and what it leaves free there.
struct SnapshotPlace {
  std::string folder;
  uint64_t least_free_bytes = 0;
  uint64_t most_bytes = 0;             ///< its quota
  std::optional<uint64_t> free_bytes;  ///< nullopt: the file system does not answer
};

/// Everything that checks look at. Tests make it up; gather_host() looks at this one.
struct DoctorHost {
  std::filesystem::path root = "/";  ///< where /proc, /sys, /dev, … are
  std::string agent_url;
  std::string vmflowd = "vmflowd";  ///< how to start it by hand
  std::optional<AgentWords> agent;  ///< nullopt: not to be asked
  Result<KernelSupport> kernel;
  Result<void> may_load_programs;
  Result<void> lttng;  ///< does the session daemon answer?
  Result<void> ctf_plugin;
  Result<void> settings;              ///< of vmflowd: is its file right?
  bool settings_are_readable = true;  ///< for this user
  SnapshotPlace snapshots;
  uint32_t max_vcpus = 0;
  unsigned cpus = 0;
  std::optional<bool> clock_is_synchronised;
};

struct Check {
  std::string_view id;
  std::string_view group;
  std::string_view title;
  std::string_view why;  ///< what is lost without it, in one sentence
  Need need;
  CheckFinding (*look)(const DoctorHost& host);
};

/// A row of the answer.
struct CheckResult {
  const Check* check;
  CheckFinding finding;
};

/// The table, in the order in which it is shown. One file for each group.
std::vector<Check> kernel_checks();
std::vector<Check> kvm_checks();
std::vector<Check> host_checks();
std::vector<Check> trace_checks();
std::vector<Check> agent_checks();
const std::vector<Check>& doctor_checks();

std::vector<CheckResult> examine(const DoctorHost& host);

/// Is everything there that is required? What cannot be told is not.
bool is_fit(const std::vector<CheckResult>& results);

}  // namespace vmflow
