// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/kept_looks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

SlotCopy slot_of_bytes(uint32_t index, auto byte_at) {
  SlotCopy copy{.index = index, .slot = {}};
  auto* bytes = reinterpret_cast<unsigned char*>(&copy.slot);
  for (size_t i = 0; i < sizeof(copy.slot); i++) bytes[i] = static_cast<unsigned char>(byte_at(i));
  return copy;
}

/// Nothing, everything, and what lies between.
std::vector<SlotCopy> all_kinds() {
  std::mt19937 random(1);
  return {slot_of_bytes(1, [](size_t) { return 0; }),
          slot_of_bytes(0xffff'ffff, [](size_t) { return 0xff; }),
          slot_of_bytes(127, [&](size_t) { return random(); }),
          slot_of_bytes(128, [&](size_t i) { return i % 8 < 2 ? random() : 0; }),
          slot_of_bytes(70'000, [](size_t i) { return i % 64 == 63 ? 0x80 : 0; })};
}

Snapshot look_at(uint64_t now_ns, const std::string& name) {
  Snapshot look;
  look.now_ns = now_ns;
  look.host.vendor = Vendor::kSvm;
  look.host.kernel = "6.1.0";
  look.slots = all_kinds();
  look.identities[{10, 0xabc}] = {.name = name, .uuid = "1-2", .vmm = "qemu", .pid = 10};
  return look;
}

bool are_equal(const std::vector<SlotCopy>& a, const std::vector<SlotCopy>& b) {
  return std::ranges::equal(a, b, [](const SlotCopy& one, const SlotCopy& other) {
    return one.index == other.index && std::memcmp(&one.slot, &other.slot, sizeof(one.slot)) == 0;
  });
}

}  // namespace

TEST(KeptLooks, come_back_as_they_were) {
  KeptLooks looks;
  looks.keep(look_at(5 * kSecond, "web"));
  const auto back = looks.after(0);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->now_ns, 5 * kSecond);
  EXPECT_EQ(back->host.vendor, Vendor::kSvm);
  EXPECT_EQ(back->host.kernel, "6.1.0");
  EXPECT_TRUE(are_equal(back->slots, all_kinds()));
  EXPECT_EQ(back->identities, look_at(0, "web").identities);
}

TEST(KeptLooks, the_oldest_that_is_not_too_old_is_given) {
  KeptLooks looks;
  EXPECT_TRUE(looks.is_due(0));
  EXPECT_FALSE(looks.after(0));
  looks.keep(look_at(10 * kSecond, "web"));
  EXPECT_FALSE(looks.is_due(13 * kSecond - 1));
  EXPECT_TRUE(looks.is_due(13 * kSecond));
  looks.keep(look_at(13 * kSecond, "web"));
  looks.keep(look_at(16 * kSecond, "renamed"));
  EXPECT_EQ(looks.after(1)->now_ns, 10 * kSecond);
  EXPECT_EQ(looks.after(10 * kSecond + 1)->now_ns, 13 * kSecond);
  EXPECT_EQ(looks.after(10 * kSecond + 1)->identities.at({10, 0xabc}).name, "web");
  EXPECT_EQ(looks.after(14 * kSecond)->identities.at({10, 0xabc}).name, "renamed");
  EXPECT_FALSE(looks.after(16 * kSecond + 1));
}

TEST(KeptLooks, are_six_at_most) {
  KeptLooks looks;
  for (uint64_t i = 1; i <= 8; i++) looks.keep(look_at(3 * i * kSecond, "web"));
  EXPECT_EQ(looks.size(), 6u);
  EXPECT_EQ(looks.after(0)->now_ns, 9 * kSecond);
  looks.clear();
  EXPECT_FALSE(looks.after(0));
}

TEST(KeptLooks, of_slots_that_are_mostly_zero_take_little) {
  Snapshot look;
  for (uint32_t i = 1; i <= 1000; i++) {
    look.slots.push_back({.index = i, .slot = {}});
    auto& flow = look.slots.back().slot.flow;
    for (uint32_t code = 0; code < 8; code++)
      flow.exits[code] = {.count = 1000, .ns = 40 * kSecond};
  }
  KeptLooks looks;
  looks.keep(look);
  EXPECT_LT(looks.bytes(), 1000 * sizeof(vcpu_slot) / 20);
  EXPECT_TRUE(are_equal(looks.after(0)->slots, look.slots));
}

}  // namespace vmflow::test
