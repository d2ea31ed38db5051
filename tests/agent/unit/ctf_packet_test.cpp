// SPDX-License-Identifier: GPL-2.0-only
// LTTng's events of packets, as its metadata describes them and its probes write them: from drawn
// bytes.
#include <gtest/gtest.h>

#include <fstream>

#include "agent/sources/ctf_events.h"
#include "tests/agent/unit/recorded_events.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

using Bytes = std::string;

Bytes number(uint64_t value, int bytes, bool big = true) {
  Bytes out;
  for (int i = 0; i < bytes; i++)
    out += static_cast<char>(value >> (8 * (big ? bytes - 1 - i : i)) & 0xff);
  return out;
}

std::string integer(int bits, int align, const char* order = "be") {
  return "integer { size = " + std::to_string(bits) + "; align = " + std::to_string(align) +
         "; signed = 0; encoding = none; base = 10; byte_order = " + order + "; }";
}

/// As LTTng 2.13 writes its metadata, without the events and contexts that do not matter here.
std::string metadata() {
  const auto u8 = integer(8, 8), u16 = integer(16, 8), u32 = integer(32, 8);
  const auto little = [](int bits) { return integer(bits, 8, "le"); };
  const std::string transport_type = "enum : " + little(8) +
                                     " { \"_unknown\" = 0, \"_tcp\" = 1, \"_udp\" = 2, "
                                     "\"_icmp\" = 3 } _transport_header_type;";
  const auto tcp = "struct { " + u16 + " _source_port; " + u16 + " _dest_port; " + u32 + " _seq; " +
                   u32 + " _ack_seq; " + integer(4, 4) + " _data_offset; " + integer(3, 1) +
                   " _reserved; " + integer(9, 1) + " _flags; " + u16 + " _window_size; " + u16 +
                   " _checksum; " + u16 + " _urg_ptr; } _tcp;";
  const auto udp = "struct { " + u16 + " _source_port; " + u16 + " _dest_port; " + u16 + " _len; " +
                   u16 + " _check; } _udp;";
  const auto transport = transport_type +
                         "variant <_transport_header_type> { struct { } _unknown; " + tcp + udp +
                         " struct { } _icmp; } _transport_header;";
  const auto v4 = "struct { " + integer(4, 4) + " _version; " + integer(4, 4) + " _ihl; " + u8 +
                  " _tos; " + u16 + " _tot_len; " + u16 + " _id; " + u16 + " _frag_off; " + u8 +
                  " _ttl; " + u8 + " _protocol; " + u16 + " _checksum; " + u8 + " _saddr[4]; " +
                  u8 + " _daddr[4]; " + transport + " } _ipv4;";
  const auto v6 = "struct { " + integer(4, 4) + " _version; " + integer(4, 4) + " _prio; " + u8 +
                  " _flow_lbl[3]; " + u16 + " _payload_len; " + u8 + " _nexthdr; " + u8 +
                  " _hop_limit; " + u16 + " _saddr[8]; " + u16 + " _daddr[8]; " + transport +
                  " } _ipv6;";
  std::string text =
      "/* CTF 1.8 */\ntrace { major = 1; minor = 8; byte_order = le; packet.header := "
      "struct { " +
      little(32) + " magic; " + little(32) +
      " stream_id; }; };\n"
      "env { hostname = \"host-a\"; domain = \"kernel\"; tracer_name = "
      "\"lttng-modules\"; tracer_major = 2; tracer_minor = 13; };\n"
      "clock { name = \"monotonic\"; freq = 1000000000; offset = 0; };\n"
      "stream { id = 0; event.header := struct { " +
      little(32) +
      " id; integer { "
      "size = 64; align = 8; signed = 0; byte_order = le; map = "
      "clock.monotonic.value; } timestamp; }; packet.context := struct { " +
      little(32) + " cpu_id; }; };\n";
  for (const auto& [id, name] : {std::pair{0, "net_dev_queue"}, {1, "net_if_receive_skb"}})
    text += "event { name = \"" + std::string(name) + "\"; id = " + std::to_string(id) +
            "; stream_id = 0; fields := struct { " + little(64) + " _skbaddr; " + little(32) +
            " _len; string _name; enum : " + little(8) +
            " { \"_unknown\" = 0, \"_ipv4\" = 1, \"_ipv6\" = 2 } _network_header_type; variant "
            "<_network_header_type> { struct { } _unknown; " +
            v4 + v6 + " } _network_header; }; };\n";
  return text;
}

struct DrawnHeader {
  int kind = 0;  ///< 0 none, 4 or 6
  uint64_t bytes = 0;
  uint64_t fragment = 0;
  uint64_t words = 5;  ///< of IPv4's header
  int transport = 1;   ///< LTTng's numbers: 1 TCP, 2 UDP
  uint64_t tcp_words = 8;
};

Bytes tcp_bytes(uint64_t words) {
  return number(40'000, 2) + number(80, 2) + number(0xfffffff0, 4) + number(0x12345678, 4) +
         number(words << 12 | 1 << 8 | 0x18, 2) + Bytes(6, 'w');
}

Bytes header_bytes(const DrawnHeader& drawn) {
  if (drawn.kind == 0) return number(0, 1);
  Bytes bytes = number(drawn.kind == 4 ? 1 : 2, 1);
  if (drawn.kind == 4)
    bytes += number(0x40 | drawn.words, 1) + Bytes(1, 't') + number(drawn.bytes, 2) +
             Bytes(2, 'i') + number(drawn.fragment, 2) + Bytes(1, 't') + number(6, 1) +
             Bytes(2, 'c') + number(0x0a000001, 4) + number(0x0a000002, 4);
  else
    bytes += number(0x60, 1) + Bytes(3, 'f') + number(drawn.bytes, 2) + number(6, 1) +
             Bytes(1, 'h') + number(0x20010db800000000, 8) + number(1, 8) +
             number(0x20010db800000000, 8) + number(2, 8);
  bytes += number(static_cast<uint64_t>(drawn.transport), 1);
  if (drawn.transport == 1) bytes += tcp_bytes(drawn.tcp_words);
  if (drawn.transport == 2) bytes += number(53, 2) + number(53, 2) + Bytes(4, 'u');
  return bytes;
}

/// One event each, by turns sent from eth0 and received at tap1.
std::vector<PacketEvent> read(const std::vector<DrawnHeader>& headers, TraceContents* seen = {}) {
  const TemporaryFolder folder;
  Bytes stream = number(0xC1FC1FC1, 4, false) + number(0, 4) + number(3, 4, false);
  for (size_t i = 0; i < headers.size(); i++)
    stream += number(i % 2, 4, false) + number(1000 + i, 8, false) + Bytes(8, 's') +
              number(99, 4, false) + (i % 2 == 0 ? "eth0" : "tap1") + Bytes(1, '\0') +
              header_bytes(headers[i]);
  folder.write("trace/metadata", metadata());
  folder.write("trace/channel0_0", stream);
  std::vector<PacketEvent> packets;
  const auto contents = read_ctf_isolated({folder.path()}, {}, [&](const Event& event) {
    packets.push_back(std::get<PacketEvent>(event.data));
    EXPECT_EQ(event.cpu, 3u);
    return true;
  });
  EXPECT_TRUE(contents) << contents.error().message;
  if (contents && seen != nullptr) *seen = *contents;
  return packets;
}

}  // namespace

TEST(CtfPacket, a_tcp_header_over_ipv4_is_read) {
  TraceContents contents;
  const auto packets = read({{.kind = 4, .bytes = 20 + 32 + 100}}, &contents);
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_TRUE(packets[0].sent);
  EXPECT_EQ(text_of(packets[0].device), "eth0");
  ASSERT_TRUE(packets[0].segment);
  const auto& tcp = *packets[0].segment;
  EXPECT_EQ(tcp.flow.source, (IpAddress{0, 0xffff0a000001}));
  EXPECT_EQ(tcp.flow.destination, (IpAddress{0, 0xffff0a000002}));
  EXPECT_EQ(tcp.flow.source_port, 40'000);
  EXPECT_EQ(tcp.flow.destination_port, 80);
  EXPECT_EQ(tcp.sequence, 0xfffffff0);
  EXPECT_EQ(tcp.acknowledgement, 0x12345678u);
  EXPECT_EQ(tcp.offset_flags, 0x8118);
  EXPECT_EQ(tcp.payload_bytes, 100u);
  EXPECT_EQ(contents.traces.at(0).hostname, "host-a");
  EXPECT_EQ(contents.traces.at(0).events.at("net_dev_queue"), 1u);
}

TEST(CtfPacket, a_tcp_header_over_ipv6_is_read_and_a_packet_may_be_received) {
  const auto packets = read({{.kind = 4, .bytes = 52}, {.kind = 6, .bytes = 32 + 7}});
  ASSERT_EQ(packets.size(), 2u);
  EXPECT_FALSE(packets[1].sent);
  EXPECT_EQ(text_of(packets[1].device), "tap1");
  ASSERT_TRUE(packets[1].segment);
  EXPECT_EQ(packets[1].segment->flow.source, (IpAddress{0x20010db800000000, 1}));
  EXPECT_EQ(packets[1].segment->flow.destination, (IpAddress{0x20010db800000000, 2}));
  EXPECT_EQ(packets[1].segment->payload_bytes, 7u);
}

// Each is an event still, without a segment: packet books count it.
TEST(CtfPacket, what_tells_no_tcp_header_is_a_packet_without_one) {
  const std::vector<DrawnHeader> none{
      {.kind = 0},                                   // LTTng did not find IP
      {.kind = 4, .bytes = 52, .transport = 0},      // it did not find TCP
      {.kind = 4, .bytes = 52, .transport = 2},      // UDP
      {.kind = 4, .bytes = 52, .fragment = 0x2001},  // a later fragment
      {.kind = 4, .bytes = 10},                      // shorter than its own header
      {.kind = 4, .bytes = 20 + 31},                 // no room for TCP's header
      {.kind = 4, .bytes = 52, .words = 15},
      {.kind = 4, .bytes = 52, .tcp_words = 4},
      {.kind = 6, .bytes = 31},
  };
  const auto packets = read(none);
  ASSERT_EQ(packets.size(), none.size());
  for (size_t i = 0; i < none.size(); i++) EXPECT_FALSE(packets[i].segment) << i;
  // The first fragment has the header, and "more follow" is no offset.
  EXPECT_TRUE(read({{.kind = 4, .bytes = 52, .fragment = 0x2000}}).at(0).segment);
}

}  // namespace vmflow::test
