// SPDX-License-Identifier: GPL-2.0-only
// The host's end of a guest's tap.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "process.h"
#include "stopwatch.h"

namespace vmflow::lab {

inline constexpr const char* kTap = "vmflowtap";

/// Sends packets into kTap, and nobody else does.
class TapHost {
 public:
  /// Waits until a guest has made the tap, a minute at most. Errors: throws std::runtime_error.
  TapHost() : out_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const Stopwatch watch;
    while (run({"ip", "link", "show", kTap}).status != 0) {
      if (watch.seconds() > 60) throw std::runtime_error("no guest makes a tap");
      sleep_ms(20);
    }
    // No packet but ours: neither IPv6's nor the kernel's own.
    std::ofstream("/proc/sys/net/ipv6/conf/vmflowtap/disable_ipv6") << 1;
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"ip", "addr", "add", "10.77.0.1/24", "brd", "+", "dev", kTap},
             {"ip", "link", "set", kTap, "up"}})
      if (const auto done = run(command); done.status != 0) throw std::runtime_error(done.err);
    const int on = 1;
    setsockopt(out_, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
  }
  TapHost(const TapHost&) = delete;
  TapHost& operator=(const TapHost&) = delete;
  ~TapHost() { close(out_); }

  void send() const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);  // discard
    inet_pton(AF_INET, "10.77.0.255", &to.sin_addr);
    ASSERT_EQ(sendto(out_, "packet", 6, 0, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 6);
  }
  void send(int packets, int every_ms) const {
    for (int i = 0; i < packets; i++) {
      send();
      sleep_ms(every_ms);
    }
  }

 private:
  static void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

  int out_;
};

}  // namespace vmflow::lab
