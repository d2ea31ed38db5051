// SPDX-License-Identifier: GPL-2.0-only
#include "agent/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/http/web_config_file.h"
#include "agent/rules_json.h"
#include "agent/settings.h"
#include "agent/version.h"
#include "analysis/vm_label.h"

namespace vmflow {

Result<void> set_one_of(std::string& target, std::string_view key, const std::string& value,
                        std::initializer_list<std::string_view> choices) {
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    return failure(
        fmt::format("{}: '{}' is none of {}", key, one_line(value), fmt::join(choices, ", ")));
  target = value;
  return {};
}

namespace {

constexpr uint32_t kMostVcpus = 1u << 20;
constexpr int64_t kFewestSeries = 100, kMostSeries = 1'000'000;

Result<void> set_listen_address(Config& config, const std::string& value) {
  const auto colon = value.rfind(':');
  int port = 0;
  if (colon != std::string::npos) {
    const auto* end = value.data() + value.size();
    const auto read = std::from_chars(value.data() + colon + 1, end, port);
    if (read.ec != std::errc() || read.ptr != end) port = 0;
  }
  if (port < 1 || port > 65535)
    return failure(fmt::format("web.listen-address: '{}' is not ADDRESS:PORT", one_line(value)));
  auto host = value.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  config.listen_host = host.empty() ? "0.0.0.0" : host;
  config.listen_port = port;
  return {};
}

Result<void> set_telemetry_path(Config& config, const std::string& value) {
  if (value.empty() || value.front() != '/' || value == "/" || value == "/-" ||
      value.starts_with("/-/") ||
      std::ranges::any_of(value, [](unsigned char c) { return c <= ' ' || c == 0x7f; }))
    return failure(
        fmt::format("web.telemetry-path: '{}' must begin with /, have no spaces, and be neither / "
                    "nor below /-/",
                    one_line(value)));
  config.telemetry_path = value;
  return {};
}

Result<void> set_max_vcpus(Config& config, int64_t value) {
  if (value < 1 || value > kMostVcpus)
    return failure(fmt::format("max-vcpus: {} is not between 1 and {}", value, kMostVcpus));
  config.max_vcpus = static_cast<uint32_t>(value);
  return {};
}

Result<void> set_max_series(Config& config, int64_t value) {
  if (value < kFewestSeries || value > kMostSeries)
    return failure(fmt::format("web.max-series: {} is not between {} and {}", value, kFewestSeries,
                               kMostSeries));
  config.max_series = static_cast<uint64_t>(value);
  return {};
}

// As useradd allows them, so that a message may hold one.
Result<void> set_user(Config& config, const std::string& value) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  };
  if (value.empty() || !std::ranges::all_of(value, is_plain))
    return failure(fmt::format("user: '{}' is no name of an account", one_line(value)));
  config.user = value;
  return {};
}

const std::vector<Setting>& settings() {
  static const Config defaults;
  static const std::vector<Setting> all = [] {
    std::vector<Setting> rows = {
        {"web.listen-address",
         fmt::format("ADDRESS:PORT to serve on ({}:{})", defaults.listen_host,
                     defaults.listen_port),
         Text(set_listen_address)},
        {"web.telemetry-path", fmt::format("path of the metrics ({})", defaults.telemetry_path),
         Text(set_telemetry_path)},
        {"web.config.file",
         "YAML file with TLS, users and headers, in the format of Prometheus' exporter-toolkit; "
         "read "
         "again when it, or a file that it names, changes",
         Text([](Config& config, const std::string& value) -> Result<void> {
           config.web_config_file = value;
           return {};
         })},
        {"web.enable-admin-api",
         "let POST /api/v1/snapshots and /api/v1/alertmanager take snapshots; who can reach the "
         "address, and has a password or certificate where web.config.file wants one, can then "
         "fill the quota",
         Switch([](Config& config, bool on) -> Result<void> {
           config.enable_admin_api = on;
           return {};
         })},
        {"web.max-series",
         fmt::format("series that the page of metrics may have ({}); with more it leaves out whole "
                     "metrics, the finest detail first, and vmflow_series_left_out says which",
                     defaults.max_series),
         Number(set_max_series)},
        {"max-vcpus",
         fmt::format("vCPUs that can be followed at once ({}); more are counted as dropped",
                     defaults.max_vcpus),
         Number(set_max_vcpus)},
        {"collector.vcpu.per-vcpu", "also export vmflow_vcpu_seconds_total, one series per vCPU",
         Switch([](Config& config, bool on) -> Result<void> {
           config.per_vcpu = on;
           return {};
         })},
        {"collector.vm.wait-histograms",
         "also export vmflow_vm_wait_duration_seconds and vmflow_vm_wakeup_latency_seconds",
         Switch([](Config& config, bool on) -> Result<void> {
           config.vm_wait_histograms = on;
           return {};
         })},
        {"collector.culprit.irq",
         "tell the time of the host's interrupts from who held the CPU; costs every interrupt",
         Switch([](Config& config, bool on) -> Result<void> {
           config.culprit_irq = on;
           return {};
         })},
        {"user",
         "account to run as when root starts it (vmflow if there is one, else nobody); root stays "
         "root, without capabilities",
         Text(set_user)},
        {"log.level", fmt::format("debug, info, warn or error ({})", defaults.log_level),
         Text([](Config& config, const std::string& value) {
           return set_one_of(config.log_level, "log.level", value,
                             {"debug", "info", "warn", "error"});
         })},
        {"log.format", fmt::format("text or json ({})", defaults.log_format),
         Text([](Config& config, const std::string& value) {
           return set_one_of(config.log_format, "log.format", value, {"text", "json"});
         })},
    };
    for (auto& row : use_settings()) rows.push_back(std::move(row));
    for (auto& row : libvirt_settings()) rows.push_back(std::move(row));
    for (auto& row : overhead_settings()) rows.push_back(std::move(row));
    for (auto& row : trace_settings()) rows.push_back(std::move(row));
    return rows;
  }();
  return all;
}

Result<void> apply_value(const Setting& setting, const nlohmann::json& value, Config& config) {
  if (const auto* text = std::get_if<Text>(&setting.set)) {
    if (value.is_string()) return (*text)(config, value.get<std::string>());
    if (value.is_number() && setting.takes_number) return (*text)(config, value.dump());
    return failure(fmt::format("{}: a text is wanted, not {}", setting.key, value.type_name()));
  }
  if (const auto* number = std::get_if<Number>(&setting.set)) {
    if (value.is_number_unsigned() && value.get<uint64_t>() > kMostVcpus)
      return failure(fmt::format("{}: {} is too large", setting.key, value.get<uint64_t>()));
    if (value.is_number_integer()) return (*number)(config, value.get<int64_t>());
    return failure(
        fmt::format("{}: a whole number is wanted, not {}", setting.key, value.type_name()));
  }
  if (value.is_boolean()) return std::get<Switch>(setting.set)(config, value.get<bool>());
  return failure(
      fmt::format("{}: true or false is wanted, not {}", setting.key, value.type_name()));
}

Result<void> apply_file(const std::string& path, Config& config) {
  std::ifstream file(path);
  if (!file) return failure(fmt::format("config.file: cannot read '{}'", one_line(path)));
  std::ostringstream text;
  text << file.rdbuf();
  if (auto applied = apply_json(text.str(), config); !applied)
    return failure(fmt::format("{}: {}", one_line(path), applied.error().message));
  return {};
}

constexpr const char* kExamples = R"(
Examples:
  vmflowd                                          metrics on http://127.0.0.1:9752/metrics
  vmflowd --web.listen-address 0.0.0.0:9752        for a Prometheus on another host
  vmflowd --libvirt.uri off                        asks no libvirt for titles of VMs
  vmflowd --overhead.budget 0.1%                   gives up detail rather than more of the CPU time
  vmflowd --config.file vmflow.json --config.check says whether the file is right
  vmflowd --web.config.file /etc/vmflow/web.yml    with TLS and passwords
  vmflowd --user monitor                           as that user, who needs no right of his own

A file of --web.config.file; --config.check says whether it, its certificates and keys are right:
  tls_server_config: {cert_file: server.crt, key_file: server.key}
  basic_auth_users: {prometheus: $2y$10$...}       as htpasswd -nBC 10 prometheus prints it

A key of the file has the name of its flag: {"web.listen-address": "0.0.0.0:9752", "max-vcpus": 1024}
Its key 'rules' is a list of rules; one with the name of another changes it:
  {"rules": [{"name": "exit_storm", "floor": 0.5},
             {"name": "lock_wait", "metric": "vmflow_vm_blocked_seconds_total", "labels": {"cause": "lock"}, "above": 0.2, "for": 5}]}

Rights: it is started by root, or with cap_bpf and cap_perfmon (cap_syslog, cap_dac_read_search and cap_sys_admin
help, and root has them). Once all is attached it holds no capability, runs as an unprivileged user, and the kernel
refuses system calls that it does not need; until KVM is loaded one thread keeps all of these but cap_sys_admin.
What it reads or writes after its start must be that user's to read or write. To record with LTTng the user must be
in the group tracing, into which root puts it.
)";

}  // namespace

Result<void> apply_json(const std::string& text, Config& config) {
  nlohmann::json document;
  try {
    document = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    return failure(fmt::format("not JSON: {}", one_line(error.what())));
  }
  if (!document.is_object()) return failure("the file must hold one JSON object");
  Config changed = config;
  for (const auto& [key, value] : document.items()) {
    if (key == "rules") {
      changed.rules_json = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      continue;
    }
    const auto& all = settings();
    const auto setting =
        std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.key == key; });
    if (setting == all.end()) return failure(fmt::format("unknown key '{}'", one_line(key)));
    if (auto applied = apply_value(*setting, value, changed); !applied) return applied;
  }
  config = changed;
  return {};
}

Result<std::variant<Config, PrintAndExit>> parse_command_line(int argc, const char* const* argv) {
  CLI::App app("vmflowd tells from the hypervisor alone, for every VM, where its time goes.",
               "vmflowd");
  app.footer(kExamples);
  std::string file;
  bool check = false;
  app.add_option("--config.file", file, "JSON file with the settings below");
  app.add_flag("--config.check", check, "check flags and file, then exit");
  app.set_version_flag("--version", std::string(kVersionText));
  std::map<std::string, std::string> texts;
  std::map<std::string, int64_t> numbers;
  std::map<std::string, bool> switches;
  for (const auto& setting : settings()) {
    const auto flag = "--" + setting.key;
    if (std::holds_alternative<Text>(setting.set))
      app.add_option(flag, texts[setting.key], setting.help);
    else if (std::holds_alternative<Number>(setting.set))
      app.add_option(flag, numbers[setting.key], setting.help);
    else
      app.add_flag(flag + ",!--no-" + setting.key, switches[setting.key], setting.help);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    std::ostringstream out, err;
    app.exit(asked, out, err);
    return PrintAndExit{out.str(), 0};
  } catch (const CLI::Error& error) {
    return failure(fmt::format("{} (--help lists the flags)", one_line(error.what())));
  }
  Config config;
  if (app.count("--config.file") != 0)
    if (auto applied = apply_file(file, config); !applied) return tl::unexpected(applied.error());
  for (const auto& setting : settings()) {
    if (app.count("--" + setting.key) == 0) continue;
    nlohmann::json value;
    if (std::holds_alternative<Text>(setting.set))
      value = texts[setting.key];
    else if (std::holds_alternative<Number>(setting.set))
      value = numbers[setting.key];
    else
      value = switches[setting.key];
    if (auto applied = apply_value(setting, value, config); !applied)
      return tl::unexpected(applied.error());
  }
  auto rules = rules_of(config.rules_json, config.trigger_rules == "default");
  if (!rules) return tl::unexpected(rules.error());
  config.rules = std::move(*rules);
  if (check && !config.web_config_file.empty())
    if (auto usable = check_web_config(config.web_config_file); !usable)
      return tl::unexpected(usable.error());
  if (check) return PrintAndExit{"configuration is right\n", 0};
  return config;
}

}  // namespace vmflow
