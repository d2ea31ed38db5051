// SPDX-License-Identifier: GPL-2.0-only
// What the operator can set: the same names as flags and as keys of the JSON file.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "agent/result.h"
#include "bpf/records.h"

namespace vmflow {

struct Config {
  std::string listen_host = "127.0.0.1";
  int listen_port = 9752;
  std::string telemetry_path = "/metrics";
  uint32_t max_vcpus = FLOW_DEFAULT_MAX_VCPUS;
  bool per_vcpu = false;            ///< also export vmflow_vcpu_seconds_total
  bool vm_wait_histograms = false;  ///< also export histograms of waits per VM
  bool culprit_irq = false;         ///< tell interrupt time from the culprits it interrupts
  std::string log_level = "info";
  std::string log_format = "text";
};

/// The command line asked for text only (--help, --version, --config.check): print it, exit with
/// status.
struct PrintAndExit {
  std::string text;
  int status = 0;
};

/// Reads flags and, where --config.file names one, the JSON file; a flag wins over the file.
/// Errors: an unknown flag or key, a wrong type, a value out of range: one line that names it.
Result<std::variant<Config, PrintAndExit>> parse_command_line(int argc, const char* const* argv);

/// Reads keys of JSON text into `config`. Errors: as above; `config` is then unchanged.
Result<void> apply_json(const std::string& text, Config& config);

}  // namespace vmflow
