// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a Linux guest whose memory was swapped out to a slow disk, against what the kernel's
// pressure stall information says of its cgroup.
#include <gtest/gtest.h>
#include <sys/swap.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "attempts.h"
#include "cgroup.h"
#include "linux_phase.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// Swap on a disk that keeps what is written and answers after 20 ms. Pages come one by one, and
/// the kernel takes those of processes rather than files.
void swap_on_a_slow_disk() {
  must({"modprobe", "null_blk", "nr_devices=0"});
  const std::filesystem::path config = "/sys/kernel/config", disk = config / "nullb/swap";
  if (!std::filesystem::exists(config / "nullb")) must({"mount", "-t", "configfs", "none", config});
  std::filesystem::create_directory(disk);
  write_kernel_file(disk / "size", "512");
  write_kernel_file(disk / "memory_backed", "1");
  write_kernel_file(disk / "irqmode", "2");
  write_kernel_file(disk / "completion_nsec", "20000000");
  write_kernel_file(disk / "power", "1");
  must({"mkswap", "/dev/swap"});
  write_kernel_file("/proc/sys/vm/page-cluster", "0");
  write_kernel_file("/proc/sys/vm/swappiness", "200");
  write_kernel_file("/sys/kernel/mm/transparent_hugepage/enabled", "never");
  if (swapon("/dev/swap", 0) != 0) throw std::runtime_error("swapon");
}

/// Memory that is never swapped, for the guest's kernel: the emulated CPU loses an interrupt whose
/// delivery has to wait for a page.
std::string huge_pages() {
  const std::string path = "/run/huge";
  write_kernel_file("/proc/sys/vm/nr_hugepages", "72");
  std::filesystem::create_directory(path);
  must({"mount", "-t", "hugetlbfs", "none", path});
  return path;
}

/// Touches 5 MiB, which its kernel leaves alone, of memory that is swapped. All of the VM has one
/// CPU: the pressure of a cgroup is the mean of its CPUs, so what moves between two counts half.
constexpr int kMostRounds = 10;
constexpr double kEnoughPages = 300;

LinuxGuestSetup toucher(const std::string& memory) {
  const std::string work = "memory,mib=5,count=1280,go=1";
  return {.work = work,
          .then = std::vector<std::string>(kMostRounds - 1, work),
          .qemu = {"-object", "memory-backend-file,id=own,size=128M,mem-path=" + memory, "-object",
                   "memory-backend-ram,id=swapped,size=32M", "-numa", "node,memdev=own,cpus=0",
                   "-numa", "node,memdev=swapped"},
          .kernel = "cpuidle_haltpoll.force=1 mem=128M",
          .memory_mib = 160,
          .cpus = "1",
          .most_to_wait_s = 90};
}

/// A Linux guest whose memory is charged to a cgroup: that of the one who touches it first.
class ChargedGuest {
 public:
  explicit ChargedGuest(const LinuxGuestSetup& setup) : cgroup_("memory") {
    cgroup_.take(getpid());
    guest_ = std::make_unique<LinuxGuest>(setup);
    Cgroup::leave(getpid());
  }
  LinuxGuest& guest() { return *guest_; }
  Cgroup& cgroup() { return cgroup_; }

 private:
  Cgroup cgroup_;
  std::unique_ptr<LinuxGuest> guest_;
};

/// Units: seconds.
struct Stalls {
  double blocked = 0;   ///< the vCPU's thread, in memory
  double halted = 0;    ///< the vCPU, until a page came
  double pressure = 0;  ///< the cgroup's
  double slow = 0;      ///< pages that the guest had to wait for, by its own clock
};

Stalls stalls_of(ChargedGuest& vm) {
  const auto page = agent().scrape();
  const auto label = page.vm_of(vm.guest().pid());
  return {
      .blocked = page.sum("vmflow_vm_blocked_seconds_total", {{"vm", label}, {"cause", "memory"}}),
      .halted = page.sum("vmflow_vm_wait_seconds_total", {{"vm", label}, {"reason", "memory"}}),
      .pressure = static_cast<double>(vm.cgroup().number("memory.pressure", "total")) / 1e6,
      .slow = 0,
  };
}

/// One round over all pages. `slow` of them had to be waited for.
Stalls next_round(ChargedGuest& vm) {
  vm.guest().wait_for("ready");
  const auto before = stalls_of(vm);
  vm.guest().begin();
  vm.guest().wait_for_end();
  auto stalls = stalls_of(vm);
  stalls.blocked -= before.blocked;
  stalls.halted -= before.halted;
  stalls.pressure -= before.pressure;
  const auto truth = vm.guest().truth();
  stalls.slow = truth.contains("slow_touches") ? static_cast<double>(truth.at("slow_touches")) : 0;
  figure(
      "memory.max {} KiB: blocked {:.3f} s + halted {:.3f} s, pressure {:.3f} s, {:+.2f} %; {} "
      "pages waited for",
      vm.cgroup().number("memory.max") >> 10, stalls.blocked, stalls.halted, stalls.pressure,
      100 * ((stalls.blocked + stalls.halted) / stalls.pressure - 1), stalls.slow);
  return stalls;
}

/// Takes memory from the VM until enough pages come back again and again: those are the ones that
/// pressure tells. The round after that.
Stalls thrash(ChargedGuest& vm) {
  uint64_t most_kib = 10 << 10;
  bool settled = false;
  for (int round = 0; round < kMostRounds; round++) {
    vm.cgroup().set("memory.max", std::to_string(most_kib << 10));
    const auto stalls = next_round(vm);
    if (settled && stalls.pressure > 0.8 * stalls.blocked) return stalls;
    settled = stalls.slow >= kEnoughPages && stalls.pressure > 0.8 * stalls.blocked;
    if (stalls.slow < kEnoughPages) most_kib -= 1 << 10;
  }
  throw std::runtime_error("the guest's pages do not come back as the kernel tells pressure of");
}

}  // namespace

// KVM fetches none of these pages behind the vCPU's back (there is no kvm_async_pf event): its
// thread waits itself, and is in its cgroup.
TEST(Swap, of_a_guest_is_the_memory_pressure_of_its_cgroup) {
  swap_on_a_slow_disk();
  const auto memory = huge_pages();
  attempts(3, [&] {
    ChargedGuest vm(toucher(memory));
    vm.guest().wait_for("ready");
    const auto stalls = thrash(vm);
    EXPECT_GT(stalls.pressure, 5);
    EXPECT_NEAR(stalls.blocked, stalls.pressure, 0.1 * stalls.pressure);
  });
}

}  // namespace vmflow::lab
