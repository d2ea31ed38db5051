// SPDX-License-Identifier: GPL-2.0-only
// Linux guests behind a bridge, one of which asks the other, which may read a slow disk first.
#pragma once

#include <string>
#include <vector>

#include "peer.h"
#include "serial_disk.h"

namespace vmflow::lab {

/// Seconds that the server's disk takes for each request.
inline constexpr double kSlowDisk = 0.060;

/// Devices of one bridge, which says nothing by itself: taps, which it makes, and others.
class Bridge {
 public:
  explicit Bridge(const std::vector<std::string>& taps, const std::vector<std::string>& others = {})
      : taps_(taps) {
    load_net_modules();
    must({"modprobe", "bridge"});
    must({"ip", "link", "add", kName, "type", "bridge"});
    without_ipv6(kName);
    for (const auto& tap : taps) {
      add_tap(tap);
      join(tap);
    }
    for (const auto& other : others) {
      without_ipv6(other);
      join(other);
    }
    must({"ip", "link", "set", kName, "up"});
  }
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;
  ~Bridge() {
    for (const auto& tap : taps_) run({"ip", "link", "del", tap});
    run({"ip", "link", "del", kName});
  }

 private:
  static constexpr const char* kName = "vmflowbr";

  static void join(const std::string& device) {
    must({"ip", "link", "set", device, "master", kName, "up"});
  }

  std::vector<std::string> taps_;
};

/// QEMU's arguments for a VM of this name with a card at `tap`; its address ends with `mac`.
inline std::vector<std::string> named_vm(const std::string& name, const std::string& tap,
                                         const std::string& mac) {
  auto arguments = card(tap, "on");
  arguments.back() += ",mac=52:54:00:00:00:" + mac;
  arguments.insert(arguments.end(), {"-name", name + ",debug-threads=on"});
  return arguments;
}
inline std::vector<std::string> client_vm(const std::string& tap) {
  return named_vm("client", tap, "02");
}
inline std::vector<std::string> server_vm(const std::string& tap) {
  return named_vm("server", tap, "01");
}

/// The disk of make_serial_disk().
inline std::vector<std::string> serial_drive() {
  return {"-drive", std::string("file=") + kDisk + ",format=raw,if=none,id=disk,cache=none",
          "-device", "virtio-blk-pci,drive=disk"};
}

}  // namespace vmflow::lab
