// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/helper_threads.h"

#include <algorithm>
#include <charconv>

namespace vmflow {
namespace {

ThreadTime& at(RoleTimes& times, ThreadRole role) {
  return times[static_cast<uint32_t>(role)];
}

bool is_vcpu_name(std::string_view name) {
  return name.starts_with("CPU ") && name.ends_with("/KVM");
}

}  // namespace

ThreadRole thread_role(std::string_view name, bool is_main) {
  if (is_main) return ThreadRole::kEmulator;
  if (name.starts_with("vhost-")) return ThreadRole::kVhost;
  if (name.starts_with("IO ")) return ThreadRole::kIothread;
  if (name == "worker" || name.starts_with("iou-wrk-")) return ThreadRole::kWorker;
  return ThreadRole::kOther;
}

uint32_t vhost_owner(std::string_view name) {
  constexpr std::string_view kPrefix = "vhost-";
  uint32_t owner = 0;
  if (!name.starts_with(kPrefix)) return 0;
  const auto digits = name.substr(kPrefix.size());
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), owner);
  return parsed.ec == std::errc{} ? owner : 0;
}

std::string_view thread_role_name(ThreadRole role) {
  switch (role) {
    case ThreadRole::kVhost:
      return "vhost";
    case ThreadRole::kIothread:
      return "iothread";
    case ThreadRole::kEmulator:
      return "emulator";
    case ThreadRole::kWorker:
      return "worker";
    case ThreadRole::kOther:
      return "other";
  }
  return "other";
}

void ThreadBook::retire(const Last& last) {
  auto& ended = at(ended_, last.role);
  ended.cpu_ns += last.time.cpu_ns;
  ended.ready_ns += last.time.ready_ns;
}

// In place: what is made anew at every look wanders through memory, and its neighbours with it.
void ThreadBook::take_in(uint32_t pid, const std::vector<ThreadReading>& threads,
                         std::span<const uint32_t> vcpu_tids) {
  looks_++;
  for (const auto& thread : threads) {
    if (is_vcpu_name(thread.name) || std::ranges::binary_search(vcpu_tids, thread.tid)) continue;
    const ThreadTime time{thread.cpu_ns, thread.ready_ns};
    const auto [known, is_new] = live_.try_emplace(thread.tid);
    auto& last = known->second;
    const bool is_same =
        !is_new && time.cpu_ns >= last.time.cpu_ns && time.ready_ns >= last.time.ready_ns;
    if (!is_new && !is_same) retire(last);
    // A thread keeps the role it was first seen in: a name may change.
    if (!is_same) last.role = thread_role(thread.name, thread.tid == pid);
    last.time = time;
    last.look = looks_;
  }
  std::erase_if(live_, [this](const auto& entry) {
    const bool is_over = entry.second.look != looks_;
    if (is_over) retire(entry.second);
    return is_over;
  });
}

RoleTimes ThreadBook::times() const {
  RoleTimes times = ended_;
  for (const auto& [tid, last] : live_) {
    auto& sum = at(times, last.role);
    sum.cpu_ns += last.time.cpu_ns;
    sum.ready_ns += last.time.ready_ns;
  }
  return times;
}

}  // namespace vmflow
