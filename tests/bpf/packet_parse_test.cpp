// SPDX-License-Identifier: GPL-2.0-only
// The kernel side's parser on frames drawn by hand.
#include "bpf/packet_parse.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace vmflow::test {
namespace {

using Bytes = std::string;

Bytes number(uint64_t value, int bytes) {
  Bytes out;
  for (int i = bytes - 1; i >= 0; i--) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}
Bytes ethernet(uint64_t type) {
  return Bytes(12, 'm') + number(type, 2);
}
Bytes vlan(uint64_t type) {
  return number(0x0064, 2) + number(type, 2);
}
Bytes tcp(uint64_t words = 8) {
  return number(40'000, 2) + number(80, 2) + number(0xfffffff0, 4) + number(0x12345678, 4) +
         number(words << 12 | 0x118, 2) + Bytes(words < 4 ? 6 : words * 4 - 14, 'o');
}
Bytes v4(uint64_t length, uint64_t protocol = 6, uint64_t fragment = 0, uint64_t words = 5) {
  return number(0x40 | words, 1) + Bytes(1, 't') + number(length, 2) + Bytes(2, 'i') +
         number(fragment, 2) + Bytes(1, 't') + number(protocol, 1) + Bytes(2, 'c') +
         number(0x0a000001, 4) + number(0x0a000002, 4) + Bytes(words > 5 ? words * 4 - 20 : 0, 'o');
}
Bytes v6(uint64_t length, uint64_t next = 6) {
  return number(0x60000000, 4) + number(length, 2) + number(next, 1) + Bytes(1, 'h') +
         number(0x20010db800000000, 8) + number(1, 8) + number(0x20010db800000000, 8) +
         number(2, 8);
}
Bytes extension(uint64_t next, uint64_t eights) {
  return number(next, 1) + number(eights - 1, 1) + Bytes(8 * eights - 2, 'e');
}

struct Parsed {
  packet_finding finding = PACKET_IS_OTHER;
  packet_segment segment{};
};

/// `cut`: so many bytes at the end are not in the linear part.
Parsed parse(const Bytes& bytes, uint32_t cut = 0) {
  // Of its own size on the heap: a sanitizer sees what is read beyond it.
  const auto linear = static_cast<uint32_t>(bytes.size()) - cut;
  const auto copy = std::make_unique<unsigned char[]>(linear);
  memcpy(copy.get(), bytes.data(), linear);
  const packet_frame frame{copy.get(), linear, static_cast<uint32_t>(bytes.size())};
  Parsed parsed;
  parsed.finding = packet_parse_ethernet(&frame, &parsed.segment);
  return parsed;
}

void expect_tcp(const Parsed& parsed, uint32_t payload) {
  ASSERT_EQ(parsed.finding, PACKET_IS_TCP);
  EXPECT_EQ(parsed.segment.source_port, 40'000);
  EXPECT_EQ(parsed.segment.destination_port, 80);
  EXPECT_EQ(parsed.segment.sequence, 0xfffffff0);
  EXPECT_EQ(parsed.segment.acknowledgement, 0x12345678u);
  EXPECT_EQ(parsed.segment.offset_flags, 0x8118);
  EXPECT_EQ(parsed.segment.payload_bytes, payload);
}

}  // namespace

TEST(PacketParse, tcp_over_ipv4) {
  const auto parsed = parse(ethernet(0x0800) + v4(20 + 32 + 5) + tcp() + "hello");
  expect_tcp(parsed, 5);
  EXPECT_EQ(parsed.segment.is_v6, 0);
  EXPECT_EQ(parsed.segment.source[1], 0x0a000001u);
  EXPECT_EQ(parsed.segment.destination[1], 0x0a000002u);
}

TEST(PacketParse, what_pads_a_short_frame_is_no_payload) {
  expect_tcp(parse(ethernet(0x0800) + v4(52) + tcp() + Bytes(6, '\0')), 0);
}

TEST(PacketParse, options_of_ipv4_are_passed_over) {
  expect_tcp(parse(ethernet(0x0800) + v4(60 + 32 + 1, 6, 0, 15) + tcp() + "x"), 1);
}

TEST(PacketParse, tags_of_a_vlan_are_passed_over_two_at_most) {
  const auto inner = v4(52) + tcp();
  expect_tcp(parse(ethernet(0x8100) + vlan(0x0800) + inner), 0);
  expect_tcp(parse(ethernet(0x88a8) + vlan(0x8100) + vlan(0x0800) + inner), 0);
  EXPECT_EQ(parse(ethernet(0x8100) + vlan(0x8100) + vlan(0x8100) + vlan(0x0800) + inner).finding,
            PACKET_IS_OTHER);
}

TEST(PacketParse, tcp_over_ipv6_behind_extension_headers) {
  const auto plain = parse(ethernet(0x86dd) + v6(32 + 3) + tcp() + "abc");
  expect_tcp(plain, 3);
  EXPECT_EQ(plain.segment.is_v6, 1);
  EXPECT_EQ(plain.segment.source[0], 0x20010db800000000u);
  EXPECT_EQ(plain.segment.destination[1], 2u);
  expect_tcp(parse(ethernet(0x86dd) + v6(8 + 24 + 32 + 3, 0) + extension(60, 1) + extension(6, 3) +
                   tcp() + "abc"),
             3);
  const auto first_fragment = number(6, 1) + Bytes(1, 'r') + number(0x0001, 2) + Bytes(4, 'i');
  expect_tcp(parse(ethernet(0x86dd) + v6(8 + 32, 44) + first_fragment + tcp()), 0);
}

TEST(PacketParse, what_is_no_tcp_or_no_first_fragment_is_other) {
  EXPECT_EQ(parse(ethernet(0x0806) + Bytes(40, 'a')).finding, PACKET_IS_OTHER);
  EXPECT_EQ(parse(ethernet(0x0800) + v4(60, 17) + Bytes(40, 'u')).finding, PACKET_IS_OTHER);
  EXPECT_EQ(parse(ethernet(0x0800) + v4(52, 6, 0x0010) + tcp()).finding, PACKET_IS_OTHER);
  EXPECT_EQ(parse(ethernet(0x86dd) + v6(40, 17) + Bytes(40, 'u')).finding, PACKET_IS_OTHER);
  const auto later = number(6, 1) + Bytes(1, 'r') + number(0x0008, 2) + Bytes(4, 'i');
  EXPECT_EQ(parse(ethernet(0x86dd) + v6(40, 44) + later + tcp()).finding, PACKET_IS_OTHER);
}

TEST(PacketParse, a_segment_that_an_offload_will_cut_has_the_frames_size) {
  // Larger than any length field: the header says 0.
  expect_tcp(parse(ethernet(0x0800) + v4(0) + tcp() + Bytes(100'000, 'x')), 100'000);
  expect_tcp(parse(ethernet(0x86dd) + v6(0) + tcp() + Bytes(100'000, 'x')), 100'000);
}

TEST(PacketParse, headers_that_are_not_in_the_linear_part_are_not_read) {
  const auto frame = ethernet(0x0800) + v4(52) + tcp();
  for (uint32_t cut = 17; cut <= frame.size(); cut++)
    EXPECT_EQ(parse(frame, cut).finding, PACKET_IS_CUT) << cut;
  expect_tcp(parse(frame, 16), 0);  // options need not be there
}

TEST(PacketParse, lengths_that_contradict_one_another_are_refused) {
  for (const auto& frame : {
           ethernet(0x0800) + v4(19) + tcp(),           // shorter than its own header
           ethernet(0x0800) + v4(20 + 31) + tcp(),      // no room for TCP's
           ethernet(0x0800) + v4(60'000) + tcp(),       // longer than the frame
           ethernet(0x0800) + v4(52, 6, 0, 4) + tcp(),  // of four words
           ethernet(0x0800) + number(0x65, 1) + v4(52).substr(1) + tcp(),
           ethernet(0x0800) + v4(52) + tcp(4),
           ethernet(0x86dd) + v6(31) + tcp(),
           ethernet(0x86dd) + v6(60'000) + tcp(),
           ethernet(0x86dd) + v6(32 + 8, 60) + extension(6, 32).substr(0, 8) + tcp(),
       })
    EXPECT_EQ(parse(frame).finding, PACKET_IS_CUT) << frame.size();
}

// What lies where TCP would be if the length were true looks right.
TEST(PacketParse, a_length_that_lies_is_refused_however_right_the_rest_looks) {
  const auto at_16 = tcp().substr(0, 8) + number(0x5010, 2) + tcp().substr(10);
  EXPECT_EQ(parse(ethernet(0x0800) + v4(52, 6, 0, 4) + at_16).finding, PACKET_IS_CUT);
  EXPECT_EQ(parse(ethernet(0x86dd) + v6(24, 60) + extension(6, 5) + tcp()).finding, PACKET_IS_CUT);
  EXPECT_EQ(parse(ethernet(0x86dd) + number(0x40, 1) + v6(32).substr(1) + tcp()).finding,
            PACKET_IS_CUT);
}

TEST(PacketParse, extension_headers_without_end_end) {
  Bytes chain;
  for (int i = 0; i < 1000; i++) chain += extension(60, 1);
  EXPECT_EQ(parse(ethernet(0x86dd) + v6(8000, 60) + chain).finding, PACKET_IS_OTHER);
}

TEST(PacketParse, whatever_the_bytes_are_nothing_beyond_them_is_read) {
  std::mt19937 random(7);
  const std::vector<Bytes> begins{ethernet(0x0800) + v4(52) + tcp(),
                                  ethernet(0x8100) + vlan(0x86dd) + v6(100, 0) + extension(43, 2),
                                  ethernet(0x86dd) + v6(90, 44) + Bytes(8, '\0') + tcp()};
  for (int i = 0; i < 200'000; i++) {
    auto frame = begins[random() % begins.size()] + Bytes(random() % 40, 'x');
    for (uint32_t j = random() % 4; j > 0; j--)
      frame[random() % frame.size()] = static_cast<char>(random());
    const auto parsed = parse(frame, random() % (static_cast<uint32_t>(frame.size()) + 1));
    if (parsed.finding == PACKET_IS_TCP) {
      EXPECT_LE(parsed.segment.payload_bytes, frame.size());
    }
  }
}

}  // namespace vmflow::test
