// SPDX-License-Identifier: GPL-2.0-only
// Label kernel: frames that are written into a tap, and sent to it, are in the ring as the kernel
// has seen them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "agent/sources/bpf_programs.h"
#include "agent/sources/kernel_support.h"
#include "agent/sources/ring_events.h"

namespace vmflow {
namespace {

using Bytes = std::string;
constexpr const char* kDevice = "vmflow-test0";

Bytes number(uint64_t value, int bytes) {
  Bytes out;
  for (int i = bytes - 1; i >= 0; i--) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}
/// To everybody, so that the tap takes it.
Bytes ethernet(uint64_t type) {
  return Bytes(6, '\xff') + Bytes("\x02vmflo", 6) + number(type, 2);
}
Bytes tcp(uint32_t sequence) {
  return number(40'000, 2) + number(9, 2) + number(sequence, 4) + number(77, 4) +
         number(0x5010, 2) + Bytes(6, '\0');
}
/// From and to addresses for documentation.
Bytes v4(uint64_t length) {
  return number(0x4500, 2) + number(length, 2) + Bytes(4, '\0') + number(0x4006, 2) +
         Bytes(2, '\0') + number(0xc0000201, 4) + number(0xc0000202, 4);
}
Bytes v6(uint64_t length) {
  return number(0x60000000, 4) + number(length, 2) + number(0x0640, 2) +
         number(0x20010db800000000, 8) + number(1, 8) + number(0x20010db800000000, 8) +
         number(2, 8);
}

/// A tap that is up. Goes with its descriptor.
class Tap {
 public:
  Tap() : tap_(open("/dev/net/tun", O_RDWR | O_CLOEXEC)), socket_(socket(AF_PACKET, SOCK_RAW, 0)) {
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::strncpy(request.ifr_name, kDevice, IFNAMSIZ - 1);
    if (tap_ < 0 || socket_ < 0 || ioctl(tap_, TUNSETIFF, &request) != 0) return;
    request.ifr_flags = IFF_UP;
    is_up_ = ioctl(socket_, SIOCSIFFLAGS, &request) == 0;
  }
  ~Tap() {
    close(tap_);
    close(socket_);
  }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  bool is_up() const { return is_up_; }
  /// The host gets it from the tap.
  bool comes_in(const Bytes& frame) const {
    return write(tap_, frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
  }
  /// The host hands it to the tap.
  bool goes_out(const Bytes& frame) const {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(if_nametoindex(kDevice));
    return sendto(socket_, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                  sizeof(to)) == static_cast<ssize_t>(frame.size());
  }

 private:
  int tap_, socket_;
  bool is_up_ = false;
};

Result<BpfPrograms> load(uint32_t kinds) {
  auto support = probe_kernel();
  if (!support) return tl::unexpected(support.error());
  support->config.ring_kinds = kinds;
  support->config.ring_records = 4096;
  auto programs = BpfPrograms::load(*support, 16);
  if (programs) programs->set_recording(true);
  return programs;
}

/// Those at the tap whose header was told, in the order of time.
std::vector<PacketEvent> seen(const BpfPrograms& programs) {
  std::vector<PacketEvent> packets;
  for (const auto& event : read_ring(programs, FLOW_ISA_NONE).events)
    if (const auto* packet = std::get_if<PacketEvent>(&event.data);
        packet != nullptr && packet->segment && text_of(packet->device) == kDevice)
      packets.push_back(*packet);
  return packets;
}

}  // namespace

TEST(PacketRecord, frames_that_come_and_go_are_in_the_ring_with_their_headers) {
  const Tap tap;
  ASSERT_TRUE(tap.is_up()) << "a tap needs root and /dev/net/tun";
  const auto programs = load(RING_ALL_KINDS);
  ASSERT_TRUE(programs) << programs.error().message;
  ASSERT_TRUE(tap.comes_in(ethernet(0x0800) + v4(20 + 20 + 3) + tcp(1000) + "abc"));
  ASSERT_TRUE(tap.comes_in(ethernet(0x86dd) + v6(20 + 2) + tcp(2000) + "ab"));
  ASSERT_TRUE(tap.goes_out(ethernet(0x0800) + v4(20 + 20 + 1) + tcp(3000) + "a"));
  ASSERT_TRUE(
      tap.goes_out(ethernet(0x8100) + number(5, 2) + number(0x86dd, 2) + v6(20) + tcp(4000)));
  ASSERT_TRUE(tap.goes_out(ethernet(0x0800) + v4(60'000) + tcp(5000)));  // a length that lies
  std::this_thread::sleep_for(std::chrono::milliseconds(200));           // the host takes its time
  const auto packets = seen(*programs);
  ASSERT_EQ(packets.size(), 4u);
  const IpAddress v4_from{0, 0xffffc0000201}, v6_to{0x20010db800000000, 2};
  EXPECT_FALSE(packets[0].sent);
  EXPECT_EQ(packets[0].segment->sequence, 1000u);
  EXPECT_EQ(packets[0].segment->acknowledgement, 77u);
  EXPECT_EQ(packets[0].segment->payload_bytes, 3u);
  EXPECT_EQ(packets[0].segment->offset_flags, 0x5010);
  EXPECT_EQ(packets[0].segment->flow.source, v4_from);
  EXPECT_EQ(packets[0].segment->flow.source_port, 40'000);
  EXPECT_FALSE(packets[1].sent);
  EXPECT_EQ(packets[1].segment->sequence, 2000u);
  EXPECT_EQ(packets[1].segment->flow.destination, v6_to);
  EXPECT_TRUE(packets[2].sent);
  EXPECT_EQ(packets[2].segment->sequence, 3000u);
  EXPECT_EQ(packets[2].segment->payload_bytes, 1u);
  EXPECT_TRUE(packets[3].sent);
  EXPECT_EQ(packets[3].segment->sequence, 4000u);
  EXPECT_EQ(packets[3].segment->flow.destination, v6_to);
}

TEST(PacketRecord, unless_they_are_asked_for_the_programs_are_not_loaded) {
  const auto programs = load(RING_ALL_KINDS & ~RING_PACKET_KINDS);
  ASSERT_TRUE(programs) << programs.error().message;
  for (const auto& program : programs->programs()) {
    EXPECT_EQ(program.name.find("on_packet"), std::string::npos);
    EXPECT_FALSE(program.name.ends_with("_ring") && program.attached) << program.name;
  }
  EXPECT_EQ(programs->runs(FLOW_PROG_RECORD_SENT), 0u);
}

}  // namespace vmflow
