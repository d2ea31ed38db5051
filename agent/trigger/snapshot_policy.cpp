// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_policy.h"

#include <algorithm>

namespace vmflow {
namespace {

constexpr uint64_t kHour = 3'600'000'000'000;

uint64_t left_of(uint64_t span_ns, uint64_t since_ns, uint64_t now_ns) {
  const auto gone = now_ns > since_ns ? now_ns - since_ns : 0;
  return gone < span_ns ? span_ns - gone : 0;
}

}  // namespace

void SnapshotPolicy::forget(uint64_t now_ns) {
  while (!hour_.empty() && left_of(kHour, hour_.front(), now_ns) == 0) hour_.pop_front();
  const auto longest = std::max(limits_.cool_down_ns, limits_.manual_cool_down_ns);
  std::erase_if(last_,
                [&](const auto& taken) { return left_of(longest, taken.second, now_ns) == 0; });
}

uint64_t SnapshotPolicy::cool_down_left(const std::string& trigger, const std::string& vm,
                                        bool manual, uint64_t now_ns) const {
  const auto last = last_.find({trigger, vm});
  if (last == last_.end()) return 0;
  return left_of(manual ? limits_.manual_cool_down_ns : limits_.cool_down_ns, last->second, now_ns);
}

std::optional<Refusal> SnapshotPolicy::ask(const std::string& trigger, const std::string& vm,
                                           bool manual, uint64_t now_ns, const Room& room) {
  forget(now_ns);
  if (limits_.off) return Refusal::kOff;
  if (busy_) return Refusal::kBusy;
  if (cool_down_left(trigger, vm, manual, now_ns) > 0) return Refusal::kCooldown;
  if (hour_.size() >= limits_.per_hour) return Refusal::kRate;
  if (room) return room;
  busy_ = true;
  last_[{trigger, vm}] = now_ns;
  hour_.push_back(now_ns);
  return std::nullopt;
}

uint64_t SnapshotPolicy::wait_ns(const std::string& trigger, const std::string& vm, bool manual,
                                 uint64_t now_ns) const {
  const auto cool_down = cool_down_left(trigger, vm, manual, now_ns);
  if (hour_.size() < limits_.per_hour || hour_.empty()) return cool_down;
  return std::max(cool_down, left_of(kHour, hour_.front(), now_ns));
}

}  // namespace vmflow
