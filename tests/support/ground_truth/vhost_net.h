// SPDX-License-Identifier: GPL-2.0-only
// A network card whose packets the kernel moves: vhost-net between a tap and two rings in this
// process' memory.
#pragma once

#include <linux/types.h>

#include <array>
#include <cstdint>
#include <thread>

#include "handles.h"

namespace vmflow::ground_truth {

/// One ring of buffers that is given to vhost. Threads: one; vhost is the other side.
class VhostRing {
 public:
  static constexpr std::uint16_t kBuffers = 64;
  static constexpr std::size_t kBufferBytes = 2048;
  static constexpr std::size_t kBytes = 4096;  // of its three parts together

  /// `memory`: kBytes of it, zero. `buffers`: kBuffers of kBufferBytes.
  VhostRing(char* memory, char* buffers);
  /// Hands it to queue `index` of `vhost`, which moves packets of `tap`; `call` is raised for each.
  /// Errors: std::system_error.
  void attach(int vhost, unsigned index, int call, int tap) const;
  /// Gives buffer `id` to vhost, `bytes` of it; `is_written` by vhost.
  void give(std::uint16_t id, std::uint32_t bytes, bool is_written);
  /// Takes one back. False if there is none.
  bool take(std::uint16_t& id, std::uint32_t& bytes);
  void kick() const;

 private:
  char* memory_;
  char* buffers_;
  Fd kick_;
  std::uint16_t taken_ = 0;
};

class VhostNet {
 public:
  /// Packets raise `line`. With `echo` each is sent back. Errors: std::system_error.
  VhostNet(int tap, int line, bool echo);

 private:
  void run(const std::stop_token& stop);

  Fd vhost_;
  Mapping memory_;
  Fd sent_;  // raised for packets that were sent; nobody listens
  VhostRing receive_;
  VhostRing transmit_;
  bool echo_;
  std::jthread thread_;
};

}  // namespace vmflow::ground_truth
