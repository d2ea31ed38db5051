// SPDX-License-Identifier: GPL-2.0-only
// Label lab: what a Linux guest waits for that asks a peer and waits for the answer, and one that
// sleeps by its timer.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "guest.h"
#include "linux_phase.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

void must(const std::vector<std::string>& command) {
  if (const auto done = run(command); done.status != 0) throw std::runtime_error(done.err);
}

/// A tap with this machine's address, and a peer behind it that answers every packet after 20 ms.
class SlowPeer {
 public:
  SlowPeer(const std::string& tap, const std::string& ip) {
    must({"ip", "tuntap", "add", "dev", tap, "mode", "tap"});
    must({"sysctl", "-qw", "net.ipv6.conf." + tap + ".disable_ipv6=1"});
    must({"ip", "addr", "add", ip + "/24", "dev", tap});
    must({"ip", "link", "set", tap, "up"});
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(7777);
    inet_pton(AF_INET, ip.c_str(), &here.sin_addr);
    if (bind(socket_, reinterpret_cast<sockaddr*>(&here), sizeof(here)) != 0)
      throw std::runtime_error("cannot bind to " + ip);
    thread_ = std::jthread([this](const std::stop_token& stop) { answer(stop); });
  }
  ~SlowPeer() {
    thread_ = {};
    close(socket_);
  }

 private:
  void answer(const std::stop_token& stop) const {
    while (!stop.stop_requested()) {
      pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, 100) != 1) continue;
      char packet[2048];
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const auto got =
          recvfrom(socket_, packet, sizeof(packet), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      (void)sendto(socket_, packet, static_cast<size_t>(got), 0, reinterpret_cast<sockaddr*>(&from),
                   size);
    }
  }

  int socket_ = -1;
  std::jthread thread_;
};

std::vector<std::string> card(const std::string& tap, const std::string& vhost) {
  return {"-netdev", "tap,id=" + tap + ",ifname=" + tap + ",script=no,downscript=no,vhost=" + vhost,
          "-device", "virtio-net-pci,romfile=,netdev=" + tap};
}

}  // namespace

TEST(LinuxNet, is_what_a_client_waits_for_with_and_without_vhost) {
  must({"modprobe", "tun"});
  must({"modprobe", "vhost_net"});
  const SlowPeer first("vmflow0", "10.78.0.1"), second("vmflow1", "10.78.1.1");
  auto qemu = card("vmflow0", "off");
  const auto with_vhost = card("vmflow1", "on");
  qemu.insert(qemu.end(), with_vhost.begin(), with_vhost.end());
  const std::vector<Planned> plan = {
      {"net,device=eth0,ip=10.78.0.2,peer=10.78.0.1,count=100", "UDP over a tap, QEMU", "net"},
      {"net,device=eth1,ip=10.78.1.2,peer=10.78.1.1,count=100", "UDP over a tap, vhost", "net"},
  };
  const auto phases =
      run_phases({.qemu = qemu, .kernel = "cpuidle_haltpoll.force=1 ipv6.disable=1"}, plan);
  for (size_t i = 0; i < plan.size(); i++) {
    expect_reason(phases[i], plan[i].what, "net");
    EXPECT_EQ(phases[i].truth.at("unanswered"), 0) << plan[i].what;
  }
}

// A Linux guest has its timer on one vector, this ground-truth guest on another.
TEST(LinuxTimer, is_known_on_any_vector) {
  show_head();
  Waits odd;
  {
    Guest guest({"hlt", "--count", "100", "--period-us", "20000", "--timer-vector", "53"});
    odd = GuestPhase(guest).end("ground truth, timer on vector 53", "timer");
  }
  const auto phase = run_phases({}, {{"timer,count=100", "Linux 6.1", "timer"}}).front();
  figure("timer share {:.2f} % and {:.2f} %", 100 * share(odd, "timer"),
         100 * share(phase.reported, "timer"));
  expect_reason(phase, "Linux 6.1", "timer");
  EXPECT_GE(share(odd, "timer"), 0.95);
  EXPECT_NEAR(share(odd, "timer"), share(phase.reported, "timer"), 0.05);
}

}  // namespace vmflow::lab
