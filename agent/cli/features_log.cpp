// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/features_log.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "agent/cli/features_time.h"
#include "agent/json_fields.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

/// What of a line counts for which counter. Shape: percent of vCPU time.
struct LoggedShare {
  const char* key;
  const char* counter;
};
// The log has guest and guest_nested as one.
constexpr LoggedShare kShares[] = {
    {"guest_percent", "time_guest"},
    {"kvm_percent", "time_kvm"},
    {"vmm_percent", "time_vmm"},
    {"ready_percent", "time_ready"},
    {"throttled_percent", "time_throttled"},
    {"halted_percent", "time_halted"},
    {"halt_poll_percent", "time_halt_poll"},
    {"vmm_blocked_percent", "time_vmm_blocked"},
    {"paused_percent", "time_paused"},
    {"halted_timer_percent", "wait_timer"},
    {"halted_disk_percent", "wait_disk"},
    {"halted_net_percent", "wait_net"},
    {"halted_task_percent", "wait_task"},
};

/// One VM of the log: the window that is being filled, and where its last look was.
struct LoggedVm {
  double last_seconds = 0;
  double begin_seconds = 0;
  FeatureSums sums = no_feature_sums();
};

class LogReader {
 public:
  LogReader(std::string host, double every_seconds)
      : host_(std::move(host)), every_seconds_(every_seconds) {}

  void line(std::string_view text) {
    const auto json = Json::parse(text, nullptr, false);
    const auto time = unix_seconds_of(text_of(field(json, "time")));
    const auto id = sanitise(text_of(field(json, "id")));
    if (!time || id.empty()) {
      strange_++;
      return;
    }
    looks_++;
    const auto [found, is_first] = vms_.try_emplace(id);
    auto& vm = found->second;
    if (is_first || *time <= vm.last_seconds) {
      vm = {.last_seconds = *time, .begin_seconds = *time};
      return;
    }
    add(json, *time - std::exchange(vm.last_seconds, *time), vm);
    if (*time - vm.begin_seconds < every_seconds_) return;
    end_window(id, sanitise(text_of(field(json, "name"))), vm);
  }

  Result<FeatureReading> finish() && {
    if (looks_ == 0)
      return failure("no line is one that 'vmflow log --json' writes: nothing can be told from it");
    if (reading_.table.rows.empty())
      return failure("no VM has two looks in the log that are as far apart as the window is long");
    if (strange_ > 0)
      reading_.notes.push_back(fmt::format(
          "{} lines are none that 'vmflow log --json' writes, and are left out", strange_));
    reading_.notes.emplace_back(
        "a log tells shares, waits by timer, disk, net and task, and all exits; the other features "
        "are not known, and guest_ratio has guests of guests, too");
    return std::move(reading_);
  }

 private:
  static void add_to(double& sum, double more) { sum = (std::isnan(sum) ? 0 : sum) + more; }

  static void add(const Json& json, double seconds, LoggedVm& vm) {
    bool is_known = false;
    for (const auto& [key, counter] : kShares)
      if (const auto percent = number_of(field(json, key))) {
        add_to(vm.sums.of[feature_counter(counter)], *percent / 100 * seconds * 1e9);
        is_known = true;
      }
    if (!is_known) return;
    vm.sums.vcpu_ns += seconds * 1e9;
    vm.sums.wall_ns += seconds * 1e9;
    if (const auto exits = number_of(field(json, "exits_per_second")))
      add_to(vm.sums.of[feature_counter("exits")], *exits * seconds);
  }

  void end_window(const std::string& id, const std::string& name, LoggedVm& vm) {
    if (vm.sums.vcpu_ns > 0)
      reading_.table.rows.push_back({.host = host_,
                                     .vm = id,
                                     .name = name,
                                     .begin_seconds = vm.begin_seconds,
                                     .end_seconds = vm.last_seconds,
                                     .values = feature_values(vm.sums)});
    vm.begin_seconds = vm.last_seconds;
    vm.sums = no_feature_sums();
  }

  std::string host_;
  double every_seconds_;
  uint64_t looks_ = 0, strange_ = 0;
  std::map<std::string, LoggedVm> vms_;
  FeatureReading reading_;
};

}  // namespace

Result<FeatureReading> features_of_log(std::string_view log, const std::string& host,
                                       double every_seconds) {
  LogReader reader(host, every_seconds);
  while (!log.empty()) {
    const auto end = log.find('\n');
    const auto line = log.substr(0, end);
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    if (!line.empty()) reader.line(line);
  }
  return std::move(reader).finish();
}

}  // namespace vmflow
