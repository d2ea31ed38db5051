// SPDX-License-Identifier: GPL-2.0-only
// Slots in a fraction of their size: most of a slot's counters are zero or small.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/snapshot.h"

namespace vmflow {

/// Slots as read_slots() has copied them, for keeping: about a microsecond each.
class PackedSlots {
 public:
  PackedSlots() = default;
  explicit PackedSlots(std::span<const SlotCopy> slots);

  /// All of them, to the byte.
  std::vector<SlotCopy> unpacked() const;

  size_t bytes() const;

 private:
  /// Of one size, so that what one look gives back the next one fits into.
  struct Block {
    uint32_t slots = 0;
    std::vector<uint8_t> bytes;
  };
  std::vector<Block> blocks_;
};

}  // namespace vmflow
