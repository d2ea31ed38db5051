// SPDX-License-Identifier: GPL-2.0-only
// What the operator can set: the same names as flags and as keys of the JSON file.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "agent/result.h"
#include "analysis/anomaly_rule.h"
#include "analysis/default_rules.h"
#include "bpf/records.h"
#include "exporters/prometheus_text.h"

namespace vmflow {

/// Of traces and what is kept of them.
struct TraceConfig {
  std::string mode = "flight";
  std::string dir = "/var/lib/vmflow/snapshots";
  uint32_t quota_mib = 4096;
  uint32_t min_free_mib = 1024;
  uint32_t cool_down_seconds = 300;
  uint32_t per_hour = 20;
  uint32_t history_seconds = 120;
  uint32_t ring_mib_per_cpu = 16;  ///< of the kernel side's flight recorder
  uint32_t lttng_mib = 1024;       ///< of LTTng's buffers on all CPUs together, at most
  uint32_t record_seconds = 10;    ///< of mode on-trigger
  bool registers = false;          ///< the guest's CR3, RIP, RSP, CPL at each exit
  bool packets = false;            ///< TCP headers of all packets, for traces of several hosts
  bool lttng = true;               ///< record with LTTng where it is there
  bool operator==(const TraceConfig&) const = default;
};

struct Config {
  std::string listen_host = "127.0.0.1";
  int listen_port = 9752;
  std::string telemetry_path = "/metrics";
  uint32_t max_vcpus = FLOW_DEFAULT_MAX_VCPUS;
  uint64_t max_series = kDefaultMostSeries;  ///< of the page of metrics
  bool per_vcpu = false;                     ///< also export vmflow_vcpu_seconds_total
  bool vm_wait_histograms = false;           ///< also export histograms of waits per VM
  bool culprit_irq = false;                ///< tell interrupt time from the culprits it interrupts
  std::string libvirt_uri = "auto";        ///< auto, off, or a URI of this host
  uint32_t libvirt_interval_seconds = 10;  ///< between two lists of its domains
  uint32_t idle_window_seconds = 300;      ///< over which VMs are judged idle
  std::string user{};                      ///< whom root becomes; empty: vmflow, else nobody
  std::string log_level = "info";
  std::string log_format = "text";
  std::string web_config_file{};  ///< TLS and passwords; empty: neither
  bool enable_admin_api = false;  ///< serve what takes snapshots
  std::string trigger_rules = "default";
  std::string rules_json = "[]";              ///< the key `rules` of the file, as it stands there
  std::vector<Rule> rules = default_rules();  ///< of both, by parse_command_line()
  TraceConfig trace{};
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
