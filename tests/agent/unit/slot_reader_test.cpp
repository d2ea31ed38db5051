// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/slot_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace vmflow::test {
namespace {

/// Slots 0 to 5, of which those from 1 on that are named are in use.
std::vector<vcpu_slot> slots_in_use(std::initializer_list<uint32_t> used) {
  std::vector<vcpu_slot> slots(6);
  for (const auto index : used) {
    slots[index].in_use = 1;
    slots[index].seq = 2;
    slots[index].id.tid = 100 + index;
  }
  return slots;
}

using Read = std::vector<std::pair<uint32_t, uint32_t>>;  // index, tid

Read read_of(const Snapshot& snapshot) {
  Read read;
  for (const auto& copy : snapshot.slots) read.emplace_back(copy.index, copy.slot.id.tid);
  return read;
}

TEST(SlotReader, copies_what_is_in_use) {
  Snapshot snapshot;
  EXPECT_EQ(read_slots(slots_in_use({1, 3, 4}), {}, snapshot), 3u);
  EXPECT_EQ(read_of(snapshot), (Read{{1, 101}, {3, 103}, {4, 104}}));
  EXPECT_EQ(snapshot.torn_slots, 0u);
}

TEST(SlotReader, a_slot_that_is_always_being_written_is_counted_and_left_out) {
  auto slots = slots_in_use({1, 3, 5});
  slots[3].seq = 7;
  slots[5].seq = 9;
  Snapshot snapshot;
  EXPECT_EQ(read_slots(slots, {}, snapshot), 3u);
  EXPECT_EQ(read_of(snapshot), (Read{{1, 101}}));
  EXPECT_EQ(snapshot.torn_slots, 2u);
}

TEST(SlotReader, memory_of_an_earlier_look_is_used_again_and_nothing_of_what_was_in_it) {
  Snapshot before, after;
  read_slots(slots_in_use({1, 2, 3, 4}), {}, before);
  const auto* room = before.slots.data();
  read_slots(slots_in_use({2, 5}), std::move(before.slots), after);
  EXPECT_EQ(after.slots.data(), room);
  EXPECT_EQ(read_of(after), (Read{{2, 102}, {5, 105}}));
}

/// What any record holds after any event: a copy that is two halves does not.
bool is_whole(const vcpu_flow& flow) {
  uint64_t time = flow.held_ns, exits = 0, handled = 0;
  for (const auto ns : flow.ns) time += ns;
  for (const auto& exit : flow.exits) exits += exit.count;
  for (const auto count : flow.handled) handled += count;
  return time == flow.last_ns - flow.first_ns && exits == handled;
}

// The writer as the kernel's programs are: it never waits, and has one record.
TEST(SlotReader, readers_at_full_speed_see_no_record_that_is_half_written) {
  constexpr uint64_t kLooks = 20'000;
  std::vector<vcpu_slot> slots(2);
  slots[1].in_use = 1;
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    auto& slot = slots[1];
    flow_entry(&slot.flow, 1);
    for (uint64_t t = 2; !stop; t += 1000) {
      __atomic_store_n(&slot.seq, slot.seq + 1, __ATOMIC_RELAXED);
      FLOW_BARRIER();
      flow_round_trip(&slot.flow, t, t % FLOW_EXIT_CODES, t + t % 900);
      FLOW_BARRIER();
      __atomic_store_n(&slot.seq, slot.seq + 1, __ATOMIC_RELAXED);
    }
  });
  std::atomic<uint64_t> copies = 0, halves = 0;
  const auto read = [&] {
    for (uint64_t i = 0; i < kLooks; i++) {
      Snapshot snapshot;
      read_slots(slots, {}, snapshot);
      for (const auto& copy : snapshot.slots) {
        copies++;
        halves += !is_whole(copy.slot.flow);
      }
    }
  };
  std::thread another(read);
  read();
  another.join();
  stop = true;
  writer.join();
  RecordProperty("exits", static_cast<int>(slots[1].flow.exits[2].count));
  EXPECT_GT(copies, kLooks / 2) << "hardly anything was read";
  EXPECT_EQ(halves, 0u);
}

}  // namespace
}  // namespace vmflow::test
