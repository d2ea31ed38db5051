// SPDX-License-Identifier: GPL-2.0-only
// A tap, and whom a guest may ask behind it.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "process.h"

namespace vmflow::lab {

inline void load_net_modules() {
  must({"modprobe", "tun"});
  must({"modprobe", "vhost_net"});
}

/// Such a device says nothing by itself.
inline void without_ipv6(const std::string& device) {
  must({"sysctl", "-qw", "net.ipv6.conf." + device + ".disable_ipv6=1"});
}

inline void add_tap(const std::string& tap) {
  must({"ip", "tuntap", "add", "dev", tap, "mode", "tap"});
  without_ipv6(tap);
}

/// Frames that the guest behind a tap has sent. Errors: throws if there is no such tap.
inline uint64_t frames_from(const std::string& tap) {
  std::ifstream file("/sys/class/net/" + tap + "/statistics/rx_packets");
  uint64_t frames = 0;
  if (!(file >> frames)) throw std::runtime_error("no tap " + tap);
  return frames;
}

/// A tap with this machine's address, and a peer behind it that answers every packet after `delay`.
class Peer {
 public:
  Peer(const std::string& tap, const std::string& ip, std::chrono::milliseconds delay)
      : delay_(delay) {
    add_tap(tap);
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
  ~Peer() {
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
      if (delay_.count() > 0) std::this_thread::sleep_for(delay_);
      (void)sendto(socket_, packet, static_cast<size_t>(got), 0, reinterpret_cast<sockaddr*>(&from),
                   size);
    }
  }

  std::chrono::milliseconds delay_;
  int socket_ = -1;
  std::jthread thread_;
};

/// QEMU's arguments for a card at `tap`; `vhost` is on or off.
inline std::vector<std::string> card(const std::string& tap, const std::string& vhost) {
  return {"-netdev", "tap,id=" + tap + ",ifname=" + tap + ",script=no,downscript=no,vhost=" + vhost,
          "-device", "virtio-net-pci,romfile=,netdev=" + tap};
}

}  // namespace vmflow::lab
