// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/aggregate_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace vmflow::test {
namespace {

AggregateWindow some_window() {
  AggregateWindow window;
  window.first.now_ns = 1000;
  window.last.now_ns = 2000;
  window.lttng_from_ns = 900;
  SlotCopy copy{.index = 7, .slot = {}};
  copy.slot.id = {.kvm = 0xabc,
                  .vcpu = 0xdef,
                  .taken_ns = 5,
                  .tgid = 10,
                  .tid = 11,
                  .vcpu_id = 1,
                  .generation = 2};
  copy.slot.flow.ns[FLOW_READY] = 123;
  window.first.slots = {copy};
  copy.slot.flow.ns[FLOW_READY] = 456;
  window.last.slots = {copy};
  window.last.host.vendor = Vendor::kSvm;
  window.last.host.kernel = "6.1.0";
  window.last.identities[{10, 0xabc}] = {.name = "web", .uuid = "1-2", .vmm = "qemu", .pid = 10};
  window.first.identities[{9, 0xaaa}] = {.name = "gone", .uuid = "", .vmm = "qemu", .pid = 9};
  return window;
}

}  // namespace

TEST(AggregateFile, comes_back_as_it_was) {
  const auto back = parse_aggregate(aggregate_bytes(some_window()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->first.now_ns, 1000u);
  EXPECT_EQ(back->last.now_ns, 2000u);
  EXPECT_EQ(back->lttng_from_ns, 900u);
  ASSERT_EQ(back->first.slots.size(), 1u);
  EXPECT_EQ(back->first.slots[0].index, 7u);
  EXPECT_EQ(back->first.slots[0].slot.flow.ns[FLOW_READY], 123u);
  EXPECT_EQ(back->last.slots[0].slot.flow.ns[FLOW_READY], 456u);
  EXPECT_EQ(back->last.slots[0].slot.id.tid, 11u);
  EXPECT_EQ(back->last.host.vendor, Vendor::kSvm);
  EXPECT_EQ(back->last.identities.at({10, 0xabc}).name, "web");
  EXPECT_EQ(back->last.identities.at({9, 0xaaa}).name, "gone") << "a VM that ended in the window";
}

TEST(AggregateFile, that_is_cut_off_or_not_ours_is_one_error) {
  const auto bytes = aggregate_bytes(some_window());
  for (const size_t size : {size_t{0}, size_t{1}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_FALSE(parse_aggregate(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_FALSE(parse_aggregate("{\"schema\": \"vmflow_aggregate\"}"));
  EXPECT_FALSE(parse_aggregate(std::string(1000, '\xff')));
}

TEST(AggregateFile, of_records_of_another_shape_says_what_to_do) {
  auto json = nlohmann::json::from_cbor(aggregate_bytes(some_window()));
  json["record_bytes"] = sizeof(vcpu_slot) + 8;
  std::string bytes;
  nlohmann::json::to_cbor(json, bytes);
  const auto back = parse_aggregate(bytes);
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message.find("another version"), std::string::npos);
  json = nlohmann::json::from_cbor(aggregate_bytes(some_window()));
  json["first"]["slots"][0]["slot"] = nlohmann::json::binary({1, 2, 3});
  bytes.clear();
  nlohmann::json::to_cbor(json, bytes);
  EXPECT_FALSE(parse_aggregate(bytes)) << "a slot of three bytes";
}

}  // namespace vmflow::test
