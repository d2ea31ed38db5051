// SPDX-License-Identifier: GPL-2.0-only
// Label lab: exits as fast as the lab gives them, while pages are read as fast as they come.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fall_watch.h"
#include "figure.h"
#include "guest.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

/// Scrapes until it is told to stop.
class Reader {
 public:
  explicit Reader(int port) : reader_(port), thread_([this] { read(); }) {}
  ~Reader() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int pages() const { return pages_; }
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  void read() {
    FallWatch watch;
    while (!stop_) {
      const auto page = reader_.read();
      pages_++;
      for (auto& fall : watch.look(page)) faults_.push_back(std::move(fall));
      for (const auto& info : page.find("vmflow_vm_info")) {
        const auto vm = info.labels.at("vm");
        const double handled = page.sum("vmflow_vm_exit_seconds_total", {{"vm", vm}});
        const auto times = times_of(page, vm);
        if (handled > times.state.at("kvm") + times.state.at("vmm") + 1e-6)
          faults_.push_back("exits of " + vm + " took longer than KVM and VMM did");
      }
    }
  }

  PageReader reader_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> pages_ = 0;
  std::vector<std::string> faults_;
  std::thread thread_;
};

}  // namespace

TEST(Stress, every_exit_is_counted_once_while_readers_run_at_full_speed) {
  constexpr double kCount = 60'013;
  AgentProcess agent({"--collector.vcpu.per-vcpu"});
  agent.wait_until_ready();
  Guest guest({"cpuid", "--count", "60013", "--vcpus", "2", "--max-seconds", "200"});
  Reader first(agent.port()), second(agent.port());
  const Stopwatch began;
  const auto& truth = guest.truth();
  const double seconds_taken = began.seconds();
  first.stop();
  second.stop();
  const auto page = agent.scrape();
  const Labels vm{{"vm", page.vm_of(guest.pid())}, {"reason", "cpuid"}};
  const double cpuids = page.sum("vmflow_vm_exits_total", vm);
  figure(
      "2 vCPUs, {:.0f} exits a second, {} pages beside them: {} cpuid exits of {}; slots torn {}, "
      "counters held {}",
      2 * kCount / seconds_taken, first.pages() + second.pages(), cpuids, 2 * kCount,
      page.sum("vmflow_slots_torn_total"), page.sum("vmflow_counters_held_total"));
  EXPECT_EQ(cpuids, 2 * kCount);
  EXPECT_GT(first.pages() + second.pages(), 20);
  for (const auto* reader : {&first, &second})
    for (const auto& fault : reader->faults()) ADD_FAILURE() << fault;
  EXPECT_EQ(page.sum("vmflow_slots_torn_total"), 0);
  EXPECT_EQ(page.sum("vmflow_vm_vcpu_unaccounted_seconds_total"), 0);
  double whole = 0;
  for (const auto& vcpu : truth["vms"][0]["vcpus"]) whole += wall(vcpu) + after_return(vcpu);
  EXPECT_NEAR(times_of(page, vm.at("vm")).sum, whole, 0.2);
}

}  // namespace vmflow::lab
