// SPDX-License-Identifier: GPL-2.0-only
// What can be set of triggers and traces.
#include <fmt/format.h>

#include <bit>
#include <filesystem>

#include "agent/settings.h"

namespace vmflow {
namespace {

Result<void> set_dir(Config& config, const std::string& value) {
  if (!std::filesystem::path(value).is_absolute())
    return failure(fmt::format("trace.dir: '{}' is no absolute path", one_line(value)));
  config.trace.dir = std::filesystem::path(value).lexically_normal().string();
  while (config.trace.dir.size() > 1 && config.trace.dir.ends_with('/'))
    config.trace.dir.pop_back();
  return {};
}

Result<void> set_ring_size(Config& config, int64_t value) {
  if (value < 1 || value > 1024 || !std::has_single_bit(static_cast<uint64_t>(value)))
    return failure(
        fmt::format("trace.ring-mib-per-cpu: {} is no power of two between 1 and 1024", value));
  config.trace.ring_mib_per_cpu = static_cast<uint32_t>(value);
  return {};
}

Setting number_between(const std::string& key, const std::string& help,
                       uint32_t TraceConfig::*field, int64_t least, int64_t most) {
  return {
      key, fmt::format("{} ({})", help, TraceConfig{}.*field),
      Number([=](Config& config, int64_t value) -> Result<void> {
        if (value < least || value > most)
          return failure(fmt::format("{}: {} is not between {} and {}", key, value, least, most));
        config.trace.*field = static_cast<uint32_t>(value);
        return {};
      })};
}

}  // namespace

std::vector<Setting> trace_settings() {
  static const TraceConfig defaults;
  return {
      {"trigger.rules",
       "rules that watch: default or none; the key 'rules' of the file adds to them",
       Text([](Config& config, const std::string& value) {
         return set_one_of(config.trigger_rules, "trigger.rules", value, {"default", "none"});
       })},
      {"trace.mode", fmt::format("flight (always records), on-trigger or off ({})", defaults.mode),
       Text([](Config& config, const std::string& value) {
         return set_one_of(config.trace.mode, "trace.mode", value, {"flight", "on-trigger", "off"});
       })},
      {"trace.dir", fmt::format("folder of the snapshots ({})", defaults.dir), Text(set_dir)},
      number_between("trace.quota-mib", "MiB of all snapshots; the oldest go first",
                     &TraceConfig::quota_mib, 1, 1 << 20),
      number_between("trace.min-free-mib", "MiB that stay free in that file system",
                     &TraceConfig::min_free_mib, 0, 1 << 20),
      number_between("trace.cool-down-seconds", "between two snapshots of a rule of a VM",
                     &TraceConfig::cool_down_seconds, 0, 86400),
      number_between("trace.per-hour", "snapshots in an hour, whoever asks", &TraceConfig::per_hour,
                     1, 3600),
      number_between("trace.history-seconds", "what each VM did before a snapshot, kept in memory",
                     &TraceConfig::history_seconds, 10, 3600),
      {"trace.ring-mib-per-cpu",
       fmt::format("MiB per CPU of vmflow's own flight recorder, a power of two ({})",
                   defaults.ring_mib_per_cpu),
       Number(set_ring_size)},
      number_between("trace.lttng-mib", "MiB that LTTng's buffers may have on all CPUs together",
                     &TraceConfig::lttng_mib, 8, 1 << 20),
      number_between("trace.record-seconds", "that mode on-trigger records after the trigger",
                     &TraceConfig::record_seconds, 1, 300),
      {"trace.registers",
       "also record the guest's CR3, RIP, RSP and CPL at each exit (AMD): costs about 400 "
       "instructions an exit",
       Switch([](Config& config, bool on) -> Result<void> {
         config.trace.registers = on;
         return {};
       })},
      {"trace.packets",
       "also record the TCP header of every packet of the host, so that traces of several hosts "
       "can "
       "be put on one clock",
       Switch([](Config& config, bool on) -> Result<void> {
         config.trace.packets = on;
         return {};
       })},
      {"trace.lttng", "record with LTTng too, where lttng-sessiond and its modules are there (on)",
       Switch([](Config& config, bool on) -> Result<void> {
         config.trace.lttng = on;
         return {};
       })},
  };
}

}  // namespace vmflow
