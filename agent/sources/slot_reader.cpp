// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/slot_reader.h"

#include <sched.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace vmflow {
namespace {

constexpr int kReadAttempts = 200;
constexpr int kSpins = 20;  // after these, let the writer's CPU run: it may be ours

/// Copies `live` between two equal, even sequence numbers. False if the writer never rested.
bool copy_slot(const vcpu_slot& live, vcpu_slot& copy) {
  for (int attempt = 0; attempt < kReadAttempts; attempt++) {
    const auto before = __atomic_load_n(&live.seq, __ATOMIC_ACQUIRE);
    if (before % 2 == 0) {
      std::memcpy(&copy, &live, sizeof(copy));
      __atomic_thread_fence(__ATOMIC_ACQUIRE);
      if (__atomic_load_n(&live.seq, __ATOMIC_RELAXED) == before) return true;
    }
    if (attempt > kSpins) sched_yield();
  }
  return false;
}

bool is_in_use(const vcpu_slot& slot) {
  return __atomic_load_n(&slot.in_use, __ATOMIC_ACQUIRE) != 0;
}

}  // namespace

uint64_t read_slots(std::span<const vcpu_slot> live, std::vector<SlotCopy> room,
                    Snapshot& snapshot) {
  // All at once, lest it be copied while it grows; a slot may be taken meanwhile all the same.
  room.resize(static_cast<size_t>(std::ranges::count_if(live, is_in_use)));
  uint64_t in_use = 0;
  size_t read = 0;
  for (uint32_t index = 1; index < live.size(); index++) {
    if (!is_in_use(live[index])) continue;
    in_use++;
    if (read == room.size()) room.emplace_back();
    room[read].index = index;
    if (copy_slot(live[index], room[read].slot))
      read++;
    else
      snapshot.torn_slots++;
  }
  room.resize(read);
  snapshot.slots = std::move(room);
  return in_use;
}

}  // namespace vmflow
