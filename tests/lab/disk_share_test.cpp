// SPDX-License-Identifier: GPL-2.0-only
// Label lab: VMs that share a disk, against a disk whose service time is known and the kernel's own
// counts.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "figure.h"
#include "guest.h"
#include "serial_disk.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

void sleep_ms(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

struct DiskSums {
  double at = 0;
  double operations = 0, bytes = 0, seconds = 0, contended = 0, waited = 0, held = 0;
};

DiskSums operator-(const DiskSums& a, const DiskSums& b) {
  return {a.at - b.at,           a.operations - b.operations, a.bytes - b.bytes,
          a.seconds - b.seconds, a.contended - b.contended,   a.waited - b.waited,
          a.held - b.held};
}

DiskSums disk_on(const Page& page, double at, const Guest& guest) {
  const Labels vm{{"vm", page.vm_of(guest.pid())}};
  const Labels reads{{"vm", vm.at("vm")}, {"op", "read"}};
  return {at,
          page.sum("vmflow_vm_disk_operations_total", reads),
          page.sum("vmflow_vm_disk_bytes_total", reads),
          page.sum("vmflow_vm_disk_seconds_total", reads),
          page.sum("vmflow_vm_disk_contended_seconds_total", vm),
          page.sum("vmflow_vm_disk_wait_for_others_seconds_total", vm),
          page.sum("vmflow_vm_disk_throttled_seconds_total", vm)};
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of all guests on one page.
std::vector<DiskSums> disks_of(const std::vector<const Guest*>& guests) {
  const auto page = agent().scrape();
  const double at = now();
  std::vector<DiskSums> sums;
  for (const auto* guest : guests) sums.push_back(disk_on(page, at, *guest));
  return sums;
}

DiskSums disk_of(const Guest& guest) {
  return disks_of({&guest}).front();
}

/// Its limit is a number of looks: time runs away while the lab waits for a file.
void wait_until_it_reads(const Guest& guest) {
  int looks = 500;
  for (; disk_of(guest).operations < 5; sleep_ms(20))
    if (--looks == 0) throw std::runtime_error("vmflow sees no reads of the guest");
}

void show(const std::string& what, const DiskSums& sums) {
  figure(
      "{:<22} {:6.3f} s: {:4.0f} reads, each {:6.2f} ms; contended {:.3f} s, waited {:.3f} s "
      "({:6.2f} ms each), held {:.3f} s",
      what, sums.at, sums.operations, 1e3 * sums.seconds / sums.operations, sums.contended,
      sums.waited, 1e3 * sums.waited / sums.operations, sums.held);
}

/// What the guests do in the next `ms`.
std::vector<DiskSums> over(const std::vector<const Guest*>& guests, const std::string& what,
                           int ms) {
  const auto before = disks_of(guests);
  sleep_ms(ms);
  auto sums = disks_of(guests);
  for (size_t i = 0; i < sums.size(); i++) show(what, sums[i] = sums[i] - before[i]);
  return sums;
}

/// Two guests that each have one request at the disk all the time: one is served while the other
/// waits, and so each request takes its own service and its wait, half and half over both. Whose
/// turn it is, is the kernel's to say: one request may wait for several of the other's, and counts
/// where it ends.
void expect_shared(const std::vector<DiskSums>& both) {
  double seconds = 0, waited = 0, operations = 0;
  for (const auto& one : both) {
    EXPECT_NEAR((one.seconds - one.waited) / one.operations, kService, 0.1 * kService);
    EXPECT_NEAR(one.contended, one.seconds, 0.1 * one.seconds);
    seconds += one.seconds;
    waited += one.waited;
    operations += one.operations;
  }
  figure("both: {:.2f} ms each, of it {:.2f} ms for the other", 1e3 * seconds / operations,
         1e3 * waited / operations);
  EXPECT_NEAR(seconds / operations, 2 * kService, 0.1 * 2 * kService);
  EXPECT_NEAR(waited / operations, kService, 0.1 * kService);
}

double bytes_read(pid_t pid) {
  std::ifstream io("/proc/" + std::to_string(pid) + "/io");
  for (std::string key, value; io >> key >> value;)
    if (key == "read_bytes:") return std::stod(value);
  return 0;
}

/// A linear device over part of the disk.
class Volume {
 public:
  Volume(std::string name, int first_sector) : name_(std::move(name)) {
    const auto made = run({"dmsetup", "create", name_, "--table",
                           fmt::format("0 2048 linear {} {}", kDisk, first_sector)});
    if (made.status != 0) throw std::runtime_error(made.err);
    run({"dmsetup", "mknodes", name_});
  }
  ~Volume() { run({"dmsetup", "remove", "--force", name_}); }
  std::string path() const { return "/dev/mapper/" + name_; }

 private:
  std::string name_;
};

}  // namespace

TEST(DiskShare, waits_for_the_other_only_while_both_run) {
  make_serial_disk();
  const Guest guest(reader(kDisk));
  wait_until_it_reads(guest);
  const auto alone = over({&guest}, "alone", 1000).front();
  EXPECT_EQ(alone.contended, 0);
  EXPECT_EQ(alone.waited, 0);
  EXPECT_NEAR(alone.seconds / alone.operations, kService, 0.1 * kService);
  {
    const Guest other(reader(kDisk));
    wait_until_it_reads(other);
    expect_shared(over({&guest, &other}, "with another", 6000));
  }
  sleep_ms(200);
  const auto again = over({&guest}, "alone again", 1000).front();
  EXPECT_EQ(again.contended, 0);
  EXPECT_EQ(again.waited, 0);
}

TEST(DiskShare, of_two_volumes_of_one_disk_is_seen) {
  make_serial_disk();
  ASSERT_EQ(run({"modprobe", "dm_mod"}).status, 0);
  const Volume first("vmflow-a", 0), second("vmflow-b", 4096);
  const Guest guest(reader(first.path())), other(reader(second.path()));
  wait_until_it_reads(guest);
  wait_until_it_reads(other);
  expect_shared(over({&guest, &other}, "volumes", 6000));
}

// blk-throttle hands a bio that it has held back to the disk from a kernel worker.
TEST(DiskShare, requests_that_io_max_holds_back_are_the_vms) {
  make_serial_disk();
  const std::string group = "/sys/fs/cgroup/vmflow-throttled";
  std::filesystem::create_directory(group);
  write_kernel_file(group + "/io.max", reads_a_second(10));
  Guest guest([] {
    auto arguments = reader(kDisk);
    arguments.emplace_back("--wait-stdin");
    return arguments;
  }());
  write_kernel_file(group + "/cgroup.procs", std::to_string(guest.pid()));
  guest.go();
  wait_until_it_reads(guest);
  const auto sums = over({&guest}, "io.max: 10 a second", 2000).front();
  // Ten a second, of whose 100 ms each the disk needs 20.
  EXPECT_NEAR(sums.operations / sums.at, 10, 1);
  EXPECT_NEAR(sums.seconds / sums.operations, 0.1, 0.01);
  EXPECT_NEAR(sums.held / sums.operations, 0.1 - kService, 0.01);
  EXPECT_EQ(sums.contended, 0);
  const double least = bytes_read(guest.pid());
  const auto whole = disk_of(guest);
  const double most = bytes_read(guest.pid());
  figure("{:.0f} bytes read, the kernel says {:.0f} to {:.0f}", whole.bytes, least, most);
  EXPECT_GE(whole.bytes, least - 2 * 4096) << "one is on its way";
  EXPECT_LE(whole.bytes, most);
  EXPECT_EQ(agent().scrape().sum("vmflow_events_dropped_total", {{"reason", "request_end"}}), 0);
}

}  // namespace vmflow::lab
