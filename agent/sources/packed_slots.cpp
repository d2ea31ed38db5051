// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/packed_slots.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace vmflow {
namespace {

constexpr size_t kWords = sizeof(vcpu_slot) / sizeof(uint64_t);
constexpr size_t kGroup = 8;       // of words: a byte says which of them are not zero
constexpr size_t kMostBytes = 10;  // of a number, seven bits in each
constexpr size_t kMostOfSlot = kMostBytes * (kWords + 1) + kWords / kGroup + 1;
constexpr size_t kBlock = 64 << 10;
static_assert(kMostOfSlot <= kBlock);
static_assert(sizeof(vcpu_slot) % sizeof(uint64_t) == 0);

using Words = std::array<uint64_t, kWords>;

uint8_t* put_number(uint8_t* at, uint64_t number) {
  for (; number >= 0x80; number >>= 7) *at++ = static_cast<uint8_t>(number | 0x80);
  *at++ = static_cast<uint8_t>(number);
  return at;
}

uint64_t take_number(const uint8_t*& at) {
  uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    number |= uint64_t{*at & 0x7fu} << shift;
    if ((*at++ & 0x80) == 0) return number;
  }
}

uint8_t* put_words(uint8_t* at, const Words& words) {
  for (size_t from = 0; from < kWords; from += kGroup) {
    uint8_t& told = *at++;
    told = 0;
    for (size_t i = from; i < std::min(from + kGroup, kWords); i++) {
      if (words[i] == 0) continue;
      told |= static_cast<uint8_t>(1u << (i - from));
      at = put_number(at, words[i]);
    }
  }
  return at;
}

Words take_words(const uint8_t*& at) {
  Words words{};
  for (size_t from = 0; from < kWords; from += kGroup) {
    const unsigned told = *at++;
    for (size_t i = from; i < std::min(from + kGroup, kWords); i++)
      if ((told >> (i - from) & 1) != 0) words[i] = take_number(at);
  }
  return words;
}

}  // namespace

PackedSlots::PackedSlots(std::span<const SlotCopy> slots) {
  std::array<uint8_t, kMostOfSlot> packed;
  Words words;
  for (const auto& copy : slots) {
    std::memcpy(words.data(), &copy.slot, sizeof(copy.slot));
    const auto* end = put_words(put_number(packed.data(), copy.index), words);
    const auto size = static_cast<size_t>(end - packed.data());
    if (blocks_.empty() || blocks_.back().bytes.size() + size > kBlock)
      blocks_.emplace_back().bytes.reserve(kBlock);
    auto& block = blocks_.back();
    block.bytes.insert(block.bytes.end(), packed.data(), packed.data() + size);
    block.slots++;
  }
}

std::vector<SlotCopy> PackedSlots::unpacked() const {
  std::vector<SlotCopy> slots;
  slots.reserve(std::accumulate(blocks_.begin(), blocks_.end(), size_t{0},
                                [](size_t sum, const Block& block) { return sum + block.slots; }));
  for (const auto& block : blocks_) {
    const auto* at = block.bytes.data();
    for (uint32_t i = 0; i < block.slots; i++) {
      auto& copy = slots.emplace_back();
      copy.index = static_cast<uint32_t>(take_number(at));
      const auto words = take_words(at);
      std::memcpy(&copy.slot, words.data(), sizeof(copy.slot));
    }
  }
  return slots;
}

size_t PackedSlots::bytes() const {
  return blocks_.size() * kBlock;
}

}  // namespace vmflow
