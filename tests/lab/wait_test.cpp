// SPDX-License-Identifier: GPL-2.0-only
// Label lab: what halted vCPUs waited for, against guests that wait for one thing only.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "guest.h"
#include "shared_agent.h"
#include "wait_matrix.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// Sends a packet into a tap every 20 ms until destroyed.
class Peer {
 public:
  explicit Peer(const std::string& tap) {
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"ip", "addr", "add", "10.77.0.1/24", "brd", "+", "dev", tap},
             {"ip", "link", "set", tap, "up"}})
      if (const auto done = run(command); done.status != 0) throw std::runtime_error(done.err);
    thread_ = std::jthread([](const std::stop_token& stop) {
      const int out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
      setsockopt(out, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(9);  // discard
      inet_pton(AF_INET, "10.77.0.255", &to.sin_addr);
      while (!stop.stop_requested()) {
        (void)sendto(out, "packet", 6, 0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
      close(out);
    });
  }

 private:
  std::jthread thread_;
};

std::pair<double, double> halted_by_vcpu(pid_t pid) {
  const auto page = agent().scrape();
  const auto vm = page.vm_of(pid);
  return {times_of_vcpu(page, vm, 0).state.at("halted"),
          times_of_vcpu(page, vm, 1).state.at("halted")};
}

void expect_reason(Guest& guest, const std::string& what, const std::string& truth) {
  const auto waits = GuestPhase(guest).end(what, truth);
  EXPECT_GE(waits.at(truth), 0.95 * waits.at("halted"));
  EXPECT_LE(waits.at("unknown"), 0.02 * waits.at("halted"));
  EXPECT_GT(waits.at("halted"), 0.5);
}

}  // namespace

TEST(Wait, has_the_reason_that_the_guest_was_built_to_have) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> workloads = {
      {"timer", {"hlt", "--count", "150", "--period-us", "20000"}},
      {"timer", {"hlt", "--count", "150", "--period-us", "20000", "--timer-vector", "53"}},
      {"timer", {"hlt", "--count", "3001", "--period-us", "1000", "--vcpus", "2"}},
      {"device", {"irq", "--count", "150", "--period-us", "20000"}},
      {"device", {"irq", "--count", "1001", "--period-us", "2000", "--pin", "1"}},
  };
  show_head();
  for (const auto& [truth, arguments] : workloads) {
    Guest guest(arguments);
    expect_reason(guest, fmt::format("{}", fmt::join(arguments, " ")), truth);
  }
}

// The device reads a block past the page cache, or a packet from a tap, and raises the same
// interrupt as any other.
TEST(Wait, for_a_disk_is_told_from_other_devices) {
  // A disk that answers after 20 ms.
  ASSERT_EQ(
      run({"modprobe", "null_blk", "nr_devices=1", "irqmode=2", "completion_nsec=20000000"}).status,
      0);
  Guest guest({"irq", "--count", "150", "--period-us", "1000", "--read", "/dev/nullb0"});
  show_head();
  expect_reason(guest, "irq --read, 20 ms a block", "disk");

  // The kernel's own count of the bytes that the process has had read, before and after the look.
  const auto bytes_read = [&] {
    std::ifstream io("/proc/" + std::to_string(guest.pid()) + "/io");
    for (std::string key, value; io >> key >> value;)
      if (key == "read_bytes:") return std::stod(value);
    return 0.0;
  };
  const double least = bytes_read();
  const auto page = agent().scrape();
  const double most = bytes_read();
  const auto vm = page.vm_of(guest.pid());
  const Labels reads{{"vm", vm}, {"op", "read"}};
  const double bytes = page.sum("vmflow_vm_disk_bytes_total", reads);
  const double each = page.sum("vmflow_vm_disk_seconds_total", reads) /
                      page.sum("vmflow_vm_disk_operations_total", reads);
  const double pending = page.sum("vmflow_vm_halted_io_pending_seconds_total", {{"vm", vm}});
  const double halted = times_of(page, vm).state.at("halted");
  figure("{:.0f} bytes read, the kernel says {:.0f} to {:.0f}; {:.2f} ms each", bytes, least, most,
         1e3 * each);
  figure("halted {:.3f} s, with a request in flight {:.3f} s ({:.1f} %)", halted, pending,
         100 * pending / halted);
  EXPECT_GE(bytes, least - 2 * 4096) << "one is on its way";
  EXPECT_LE(bytes, most);
  EXPECT_NEAR(each, 0.020, 0.002);
  EXPECT_GE(pending, 0.9 * halted);
  EXPECT_LE(pending, halted);
}

TEST(Wait, for_a_network_card_is_told_from_other_devices) {
  ASSERT_EQ(run({"modprobe", "tun"}).status, 0);
  Guest guest({"irq", "--count", "150", "--tap", "vmflowtap"});
  while (run({"ip", "link", "show", "vmflowtap"}).status != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const Peer peer("vmflowtap");
  show_head();
  expect_reason(guest, "irq --tap, a packet every 20 ms", "net");
  const auto page = agent().scrape();
  EXPECT_FALSE(page.has("vmflow_vm_disk_operations_total", {{"vm", page.vm_of(guest.pid())}}))
      << "absent, not zero";
}

TEST(Wait, for_a_sibling_is_a_task_wait) {
  Guest guest({"ipi", "--count", "150", "--period-us", "20000"});
  show_head();
  GuestPhase phase(guest);
  const auto at_first = halted_by_vcpu(guest.pid());
  const auto waits = phase.end("ipi --count 150 --period-us 20000", "half");
  const auto at_last = halted_by_vcpu(guest.pid());
  const double first = at_last.first - at_first.first, second = at_last.second - at_first.second;
  figure("first vCPU halted {:.3f} s (timer {:.3f} s), second {:.3f} s (task {:.3f} s)", first,
         waits.at("timer"), second, waits.at("task"));
  EXPECT_NEAR(waits.at("task"), second, 0.05 * second);
  EXPECT_NEAR(waits.at("timer"), first, 0.05 * first);
  EXPECT_LE(waits.at("unknown"), 0.02 * (first + second));
}

}  // namespace vmflow::lab
