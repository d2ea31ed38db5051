// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/slot_reader.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace vmflow::test
