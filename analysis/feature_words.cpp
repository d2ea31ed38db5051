// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/feature_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/amount_text.h"

namespace vmflow {
namespace {

using enum FeatureAmount;

constexpr std::string_view kCpu = "CPU-bound", kDisk = "disk-bound", kNet = "network-bound",
                           kTimer = "timer-driven", kExits = "exit-heavy", kIdle = "idle",
                           kShort = "short of CPU", kMemory = "memory-bound";

// THE table: the first row that fits a name is its kind. A VM that sleeps nearly always is idle,
// whatever the others do, unless something speaks clearly for what it waits for. It sleeps until
// its timer when it has nothing to do, too: that speaks for its timer only a little.
constexpr std::array kKinds = {
    FeatureKind{"guest_ratio", "", "in the guest", kShare, kCpu, 0.8},
    FeatureKind{"guest_nested_ratio", "", "in guests of its own", kShare, kCpu, 0.8},
    FeatureKind{"nested_ratio", "", "in guests of its own", kShare, kCpu, 0.8},
    FeatureKind{"kvm_ratio", "", "in KVM", kShare, kExits, 0.4},
    FeatureKind{"vmm_ratio", "", "in the VMM", kShare, kExits, 0.4},
    FeatureKind{"root_ratio", "", "in KVM and the VMM", kShare, kExits, 0.4},
    FeatureKind{"halted_ratio", "", "asleep", kShare, kIdle, 4, 0.85, true},
    FeatureKind{"idle_ratio", "", "idle", kShare, kIdle, 4, 0.85, true},
    FeatureKind{"ready_ratio", "", "without a CPU", kShare, kShort, 0.4},
    FeatureKind{"throttled_ratio", "", "throttled", kShare, kShort, 0.4},
    FeatureKind{"halt_poll_waste_ratio", "", "polling in vain", kShare},
    FeatureKind{"halt_poll_ratio", "", "polling", kShare},
    FeatureKind{"vmm_blocked_ratio", "", "blocked in the host", kShare},
    FeatureKind{"blocked_ratio", "", "blocked in the host", kShare},
    FeatureKind{"wait_disk_ratio", "", "disk wait", kShare, kDisk, 0.5},
    FeatureKind{"wait_disk_per_second", "", "disk waits/s", kRate, kDisk, 2000},
    FeatureKind{"wait_net_ratio", "", "network wait", kShare, kNet, 0.5},
    FeatureKind{"wait_net_per_second", "", "network waits/s", kRate, kNet, 5000},
    FeatureKind{"wait_timer_ratio", "", "timer wait", kShare, kTimer, 8},
    FeatureKind{"wait_timer_per_second", "", "timer waits/s", kRate, kTimer, 1000},
    FeatureKind{"wait_memory_ratio", "", "memory wait", kShare, kMemory, 0.5},
    FeatureKind{"wait_", "_ratio", "{} wait", kShare},
    FeatureKind{"wait_", "_mean_seconds", "mean {} wait", kTime},
    FeatureKind{"wait_", "_per_second", "{} waits/s", kRate},
    FeatureKind{"preempted_by_", "_per_second", "times/s its CPU lost to {}", kRate},
    FeatureKind{"preempted_", "_per_second", "times/s its CPU lost to {}", kRate},
    FeatureKind{"exits_per_second", "", "exits/s", kRate, kExits, 20000},
    FeatureKind{"exits_hlt_per_second", "", "halts/s", kRate},
    FeatureKind{"exits_halt_per_second", "", "halts/s", kRate},
    FeatureKind{"exits_", "_per_second", "{} exits/s", kRate, kExits, 20000},
    FeatureKind{"interrupts_timer_per_second", "", "timer interrupts/s", kRate, kTimer, 2000},
    FeatureKind{"interrupts_", "_per_second", "{} interrupts/s", kRate},
    FeatureKind{"disk_", "_bytes_per_second", "disk {}", kBytes, kDisk, 400e6},
    FeatureKind{"disk_", "_mean_seconds", "mean disk {}", kTime},
    FeatureKind{"disk_", "_per_second", "disk {}s/s", kRate, kDisk, 2000},
    FeatureKind{"net_", "_bytes_per_second", "network {}", kBytes, kNet, 400e6},
    FeatureKind{"net_", "_mean_seconds", "mean network {}", kTime},
    FeatureKind{"net_", "_per_second", "network {} packets/s", kRate, kNet, 50000},
    FeatureKind{"", "_ratio", "{}", kShare},
    FeatureKind{"", "_bytes_per_second", "{}", kBytes},
    FeatureKind{"", "_per_second", "{}/s", kRate},
    FeatureKind{"", "_seconds", "{}", kTime},
    FeatureKind{"", "", "", kNumber},
};

std::string_view without_state(std::string_view name) {
  constexpr std::string_view kState = "state_";
  return name.starts_with(kState) ? name.substr(kState.size()) : name;
}

bool fits(const FeatureKind& kind, std::string_view name) {
  if (kind.ends.empty() && !kind.begins.empty()) return name == kind.begins;
  return name.size() > kind.begins.size() + kind.ends.size() && name.starts_with(kind.begins) &&
         name.ends_with(kind.ends);
}

std::string scaled(double value, std::string_view unit) {
  constexpr std::string_view kPrefixes = " kMGT";
  size_t prefix = 0;
  while (std::abs(value) >= 999.5 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    prefix++;
  }
  const int digits = prefix == 0 || std::abs(value) >= 99.95 ? 0 : 1;
  return fmt::format("{:.{}f} {}{}", value, digits,
                     prefix == 0 ? "" : std::string(1, kPrefixes[prefix]), unit);
}

std::string rate_text(double value) {
  if (std::abs(value) < 9.95) return fmt::format("{:.2g}", value);
  if (std::abs(value) >= 1e15) return fmt::format("{:.3g}", value);
  return value < 0 ? "-" + count_text(static_cast<uint64_t>(std::llround(-value)))
                   : count_text(static_cast<uint64_t>(std::llround(value)));
}

std::string share_of_time(double value) {
  const double percent = value * 100;
  if (percent != 0 && std::abs(percent) < 0.95) return percent < 0 ? ">-1 %" : "<1 %";
  return std::abs(percent) < 1e6 ? fmt::format("{:.0f} %", percent)
                                 : fmt::format("{:.3g} %", percent);
}

std::string seconds_text(double value) {
  if (value < 0 || value >= 1e9) return fmt::format("{:.3g} s", value);
  return time_text(static_cast<uint64_t>(std::llround(value * 1e9)));
}

}  // namespace

const FeatureKind& feature_kind(std::string_view name) {
  const auto bare = without_state(name);
  return *std::ranges::find_if(kKinds, [&](const FeatureKind& kind) {
    return fits(kind, bare) || (kind.begins.empty() && kind.ends.empty());
  });
}

std::string feature_words(std::string_view name) {
  const auto& kind = feature_kind(name);
  if (kind.words.empty()) return std::string(name);
  std::string words(kind.words);
  const auto place = words.find("{}");
  if (place == std::string::npos) return words;
  auto rest = std::string(without_state(name));
  rest = rest.substr(kind.begins.size(), rest.size() - kind.begins.size() - kind.ends.size());
  std::ranges::replace(rest, '_', ' ');
  return words.replace(place, 2, rest);
}

std::string feature_amount(std::string_view name, double value) {
  switch (feature_kind(name).amount) {
    case FeatureAmount::kShare:
      return share_of_time(value);
    case FeatureAmount::kRate:
      return rate_text(value);
    case FeatureAmount::kBytes:
      return scaled(value, "B/s");
    case FeatureAmount::kTime:
      return seconds_text(value);
    case FeatureAmount::kNumber:
      break;
  }
  return fmt::format("{:.3g}", value);
}

std::string feature_text(std::string_view name, double value) {
  const auto& kind = feature_kind(name);
  const auto words = feature_words(name), amount = feature_amount(name, value);
  const bool words_first = kind.amount == FeatureAmount::kNumber || words.starts_with("mean ");
  return words_first ? words + " " + amount : amount + " " + words;
}

double least_difference(std::string_view name) {
  switch (feature_kind(name).amount) {
    case FeatureAmount::kShare:
      return 0.01;
    case FeatureAmount::kRate:
      return 10;
    case FeatureAmount::kBytes:
      return 1e5;
    case FeatureAmount::kTime:
      return 1e-4;
    case FeatureAmount::kNumber:
      break;
  }
  return 0;
}

}  // namespace vmflow
