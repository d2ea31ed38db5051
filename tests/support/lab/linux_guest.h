// SPDX-License-Identifier: GPL-2.0-only
// A Linux guest under QEMU in a test (tests/support/linux_guest is what runs in it).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "process.h"

namespace vmflow::lab {

/// LinuxGuestSetup::kernel of a guest whose card says nothing by itself.
inline constexpr const char* kWithoutIpv6 = "cpuidle_haltpoll.force=1 ipv6.disable=1";

struct LinuxGuestSetup {
  std::string work = {};  ///< NAME[,key=value…]: see tests/support/linux_guest/init.cpp
  std::vector<std::string> then = {};  ///< works that follow it, each a phase of its own
  std::vector<std::string> qemu = {};  ///< more arguments of QEMU: drives, network cards, objects
  /// More parameters of the guest's kernel. Without a cpuidle driver this one stops its tick only
  /// when the tick has woken it once: each sleep would begin with up to 4 ms that the guest's own
  /// timer ends.
  std::string kernel = "cpuidle_haltpoll.force=1";
  int memory_mib = 128;
  int vcpus = 1;
  std::string cpus = "0,1";              ///< where QEMU may run
  std::string cpu = "host,-kvm-pv-eoi";  ///< with paravirtual EOI the emulated CPU loses interrupts
  int most_to_wait_s = 60;  ///< seconds from one line of the console to the next one waited for
};

/// Booted when constructed; destroyed: killed. At most two at a time, or the emulated CPUs are too
/// slow. The test that uses it has FIXTURES_REQUIRED linux_guest.
class LinuxGuest {
 public:
  /// Boots until the guest says that it is up, three times if need be: one boot in ten dies of a
  /// fault that the emulated CPU made up. Errors: throws with its console.
  explicit LinuxGuest(LinuxGuestSetup setup);
  LinuxGuest(const LinuxGuest&) = delete;
  LinuxGuest& operator=(const LinuxGuest&) = delete;

  pid_t pid() const { return process_->pid(); }
  std::string console() const;
  /// What stands behind `marker` at the beginning of a line of the present phase; waits for it.
  /// Errors: throws with the console if the guest ends, fails or is silent for `most_to_wait_s`.
  std::string wait_for(const std::string& marker);

  /// With `go=1` among the work's keys the guest spins until it is told to begin, and again when it
  /// has ended: pages scraped before and after hold the phase and nothing else. Waits until it
  /// spins.
  void begin();
  void wait_for_end();
  /// What the guest counted in its phase: waits for the end of the work if need be. The next phase
  /// follows.
  std::map<std::string, int64_t> truth();
  /// Ends it as a tenant's VM ends: SIGTERM to QEMU.
  void stop();

 private:
  bool comes_up();

  /// One of the two guests that may be there.
  struct Place {
    Place();
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
  } place_;
  LinuxGuestSetup setup_;
  bool is_told_;
  std::unique_ptr<Process> process_;
  size_t phase_from_ = 0;  ///< where the present phase begins in the console
};

/// Kernel and root file system of the guest, for those who start QEMU in their own way.
std::string linux_guest_kernel();
std::string linux_guest_initrd();

}  // namespace vmflow::lab
