// SPDX-License-Identifier: GPL-2.0-only
// Label lab: what a Linux guest waits for that does nothing but read a disk, by how its VMM serves
// it.
#include <gtest/gtest.h>

#include "linux_phase.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// A disk that answers after 20 ms.
const std::string& slow_disk() {
  static const std::string path = [] {
    must({"modprobe", "null_blk", "nr_devices=1", "irqmode=2", "completion_nsec=20000000"});
    return "/dev/nullb0";
  }();
  return path;
}

/// One that answers at once.
const std::string& fast_disk() {
  static const std::string path = [] {
    must({"modprobe", "brd", "rd_nr=1", "rd_size=16384"});
    return "/dev/ram0";
  }();
  return path;
}

/// A QEMU with disks, which the guest sees as vda, vdb, … in the order of adding.
class Disks {
 public:
  void add(const std::string& path, const std::string& drive, const std::string& device = "") {
    const auto name = "disk" + std::to_string(count_++);
    qemu.insert(
        qemu.end(),
        {"-drive",
         "file=" + path + ",format=raw,readonly=on,cache=none,if=none,id=" + name + "," + drive,
         "-device", "virtio-blk-pci,drive=" + name + device});
  }
  std::vector<std::string> qemu;

 private:
  int count_ = 0;
};

std::string reads_of(size_t disk, int count, const std::string& more = "") {
  return fmt::format("disk,device=/dev/vd{:c},count={}{}", 'a' + static_cast<char>(disk), count,
                     more);
}

}  // namespace

TEST(LinuxDisk, is_what_its_reader_waits_for_however_the_vmm_serves_it) {
  Disks disks;
  disks.qemu = {"-object", "iothread,id=own"};
  std::vector<Planned> plan;
  const auto add = [&](const std::string& name, const std::string& path, const std::string& drive,
                       const std::string& device) {
    disks.add(path, drive, device + ",num-queues=1");
    plan.push_back({reads_of(plan.size(), 100), name, "disk"});
  };
  for (const auto* aio : {"threads", "native", "io_uring"}) {
    add(fmt::format("main thread, aio={}", aio), slow_disk(), fmt::format("aio={}", aio), "");
    add(fmt::format("iothread, aio={}", aio), slow_disk(), fmt::format("aio={}", aio),
        ",iothread=own");
  }
  add("40 a second by QEMU's throttle", fast_disk(), "aio=threads,throttling.iops-total=40", "");
  const auto phases = run_phases({.qemu = disks.qemu}, plan);
  for (size_t i = 0; i < plan.size(); i++) {
    expect_reason(phases[i], plan[i].what, "disk");
    EXPECT_EQ(phases[i].truth.at("reads"), 100);
  }
}

// A queue of its own for each vCPU: its own interrupt. One queue for both: the interrupt comes to
// one vCPU, which sends the other an IPI when that one waits; so the other's wait was ended by a
// task.
TEST(LinuxDisk, ends_waits_by_an_ipi_where_another_vcpu_takes_its_interrupt) {
  Disks disks;
  disks.add(slow_disk(), "aio=native", ",num-queues=2");
  disks.add(slow_disk(), "aio=native", ",num-queues=1");
  const std::vector<Planned> plan = {
      {reads_of(0, 100, ",threads=2"), "2 vCPUs, 2 readers, 2 queues", "disk"},
      {reads_of(1, 50, ",cpu=0"), "2 vCPUs, reader on 0, 1 queue", "both"},
      {reads_of(1, 50, ",cpu=1"), "2 vCPUs, reader on 1, 1 queue", "both"},
  };
  const auto phases = run_phases({.qemu = disks.qemu, .vcpus = 2}, plan);
  // The guest records what it took first of several interrupts, the report what woke it.
  for (size_t i = 0; i < plan.size(); i++) {
    expect_recorded(phases[i], plan[i].what, 5);
    figure("{}: {:.1f} % of the time on the reason that the guest has recorded", plan[i].what,
           100 * agreement(phases[i]));
    EXPECT_GE(agreement(phases[i]), 0.90) << plan[i].what;
  }
}

}  // namespace vmflow::lab
