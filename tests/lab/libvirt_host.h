// SPDX-License-Identifier: GPL-2.0-only
// A libvirtd in a test, and one domain of it.
#pragma once

#include <memory>
#include <string>

#include "process.h"

namespace vmflow::lab {

/// Debian's libvirtd, as root's, without systemd. Its settings come into the lab's own /etc.
/// Destroyed: killed; domains go on. Errors: all throw what could not be done.
class LibvirtHost {
 public:
  LibvirtHost();

  /// Starts the daemon, and waits until it answers.
  void start();
  /// Kills it as a crash would, or the kernel for want of memory.
  void kill();
  /// It does nothing until it goes on: whoever asks it waits for ever.
  void freeze();
  void go_on();

  /// `virsh` with these arguments; its output.
  static std::string virsh(const std::vector<std::string>& arguments);
  /// The process of a domain's QEMU.
  static int pid_of(const std::string& domain);

 private:
  std::unique_ptr<Process> daemon_;
};

}  // namespace vmflow::lab
