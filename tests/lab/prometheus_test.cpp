// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a real Prometheus and a real Alertmanager with the shipped rules. A noisy neighbour
// raises its alert, which makes the agent record; it ends, and the alert with it. Every other rule
// fires for the VM that was made for it. What Prometheus has stored is left for
// tests/exporters/recorded_test.sh, which asks it what dashboards ask.
#include "prometheus.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <atomic>
#include <functional>
#include <thread>

#include "cgroup.h"
#include "figure.h"
#include "made_up_agent.h"
#include "recording_agent.h"
#include "serial_disk.h"
#include "stopwatch.h"
#include "tap_host.h"

namespace vmflow::lab {
namespace {

/// One host's monitoring, for all tests.
struct Site {
  RecordingAgent agent{{"--trigger.rules", "none", "--no-trace.lttng", "--collector.vcpu.per-vcpu",
                        "--collector.vm.wait-histograms", "--idle.window-seconds", "10"}};
  /// Has room for one vCPU and for few series, records nothing, and has a budget that it always
  /// keeps.
  int narrow_port = free_port();
  std::optional<Process> narrow = start_narrow();
  MadeUpAgent made_up;
  Alertmanager alertmanager{agent->port()};
  Prometheus prometheus{{agent->port(), narrow_port, made_up.port()}, alertmanager.port()};

  Process start_narrow() const {
    return Process({vmflowd_path(), "--web.listen-address",
                    "127.0.0.1:" + std::to_string(narrow_port), "--trace.mode", "off",
                    "--max-vcpus", "1", "--web.max-series", "100", "--overhead.budget", "100"});
  }
};

/// The label of an agent's target.
std::string instance_of(int port) {
  return "127.0.0.1:" + std::to_string(port);
}

/// Seconds until `is_so`; fails after `most`.
double seconds_until(double most, const std::string& what, const std::function<bool()>& is_so) {
  const Stopwatch watch;
  while (!is_so()) {
    if (watch.seconds() > most) {
      ADD_FAILURE() << "not within " << most << " s: " << what;
      break;
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return watch.seconds();
}

bool has(const std::set<Alert>& alerts, const std::string& name, const std::string& whose) {
  return std::ranges::any_of(alerts, [&](const Alert& alert) {
    return alert.name == name && (alert.vm_name == whose || alert.instance == whose);
  });
}

/// KVM polls for a millisecond whenever a vCPU halts, however vain that is.
void let_kvm_poll_in_vain() {
  const std::string parameters = "/sys/module/kvm/parameters/";
  write_kernel_file(parameters + "halt_poll_ns", "10000000");
  write_kernel_file(parameters + "halt_poll_ns_grow_start", "1000000");
  write_kernel_file(parameters + "halt_poll_ns_grow", "1");
}

std::vector<std::string> named(const std::string& name, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--max-seconds", "400", "-name", name});
  return arguments;
}

class PrometheusTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { site_ = std::make_unique<Site>(); }
  static void TearDownTestSuite() {
    site_->prometheus.stop_and_keep(std::string(getenv("LAB_OUT")) + "/tsdb");
    EXPECT_EQ(site_->agent->stop().status, 0);
    site_.reset();
  }
  inline static std::unique_ptr<Site> site_;
};

TEST_F(PrometheusTest, a_noisy_neighbour_is_alerted_recorded_and_forgotten) {
  auto& [agent, narrow_port, narrow, made_up, alertmanager, prometheus] = *site_;
  Guest quiet(named("quiet", {"spin", "--seconds", "300", "--pin", "1"}));
  std::this_thread::sleep_for(std::chrono::seconds(15));
  EXPECT_FALSE(has(prometheus.firing(), "VmflowReadyHigh", "quiet"));
  EXPECT_TRUE(agent.snapshots().empty()) << agent.snapshots().dump();
  std::optional<Guest> noisy(std::in_place,
                             named("noisy", {"spin", "--seconds", "300", "--pin", "1"}));
  figure("VmflowReadyHigh after {:.0f} s", seconds_until(90, "VmflowReadyHigh", [&] {
           return has(prometheus.firing(), "VmflowReadyHigh", "quiet");
         }));
  const auto recorded = seconds_until(30, "a snapshot", [&] { return !agent.snapshots().empty(); });
  const auto snapshot = agent.wait_for_snapshot(30);
  ASSERT_FALSE(snapshot.is_null()) << agent->process().err();
  figure("recorded {:.0f} s later: {}", recorded, snapshot.dump());
  EXPECT_NE(snapshot["reason"].get<std::string>().find("alert Vmflow"), std::string::npos);
  const auto finding = agent.wait_for_report(snapshot["id"])["finding"].get<std::string>();
  figure("{}", finding);

  const Stopwatch watch;
  noisy.reset();
  figure("the neighbour has gone after {:.1f} s", watch.seconds());
  const auto cleared = seconds_until(120, "the alert ends", [&] {
    return !has(prometheus.firing(), "VmflowReadyHigh", "quiet") &&
           !has(alertmanager.alerts(), "VmflowReadyHigh", "quiet");
  });
  figure("forgotten {:.0f} s after the neighbour has gone", cleared);
}

TEST_F(PrometheusTest, every_rule_fires_for_what_was_made_for_it) {
  auto& site = *site_;
  const std::string narrow = instance_of(site.narrow_port);
  const std::string made_up = instance_of(site.made_up.port());
  const std::set<std::pair<std::string, std::string>> expected = {
      {"VmflowSkewHigh", "skewed"},          {"VmflowThrottled", "throttled"},
      {"VmflowExitStorm", "storm"},          {"VmflowHaltPollWaste", "polling"},
      {"VmflowVmmStall", "stalled"},         {"VmflowVmPaused", "paused"},
      {"VmflowDiskWait", "slow-disk"},       {"VmflowDiskWait", "dead-disk"},
      {"VmflowNetWait", "network"},          {"VmflowLedgerBroken", "made-up"},
      {"VmflowLedgerAnomalies", made_up},    {"VmflowFusionDisagreement", made_up},
      {"VmflowEventsDropped", narrow},       {"VmflowAgentDegraded", narrow},
      {"VmflowTraceBackendMissing", made_up}};

  // CPU 0 has the monitoring too, so what keeps a CPU busy takes turns on CPU 1.
  const auto on_first = [](const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--pin", "0"});
    return named(name, std::move(arguments));
  };
  std::optional<Guest> skewed(
      std::in_place, named("skewed", {"spin", "--seconds", "300", "--vcpus", "2", "--pin", "1"}));
  Guest nested(on_first("nested", {"vmrun", "--count", "20000", "--guest-loops", "1000"}));
  Guest throttled(on_first("throttled", {"spin", "--seconds", "300"}));
  Cgroup group("cpu");
  group.set("cpu.max", "10000 100000");
  group.take(throttled.pid());
  Guest stalled(
      on_first("stalled", {"pio", "--count", "1000000", "--mode", "sleep", "--us", "20000"}));
  Guest paused(on_first("paused", {"hlt", "--count", "1000000", "--period-us", "50000"}));
  make_serial_disk(0.040);
  Guest reads(on_first("slow-disk", reader(kDisk)));
  // A disk on that disk, of which its user gets two bytes a second: what it has begun does not end.
  must({"modprobe", "loop"});
  must({"losetup", "--direct-io=on", "/dev/loop0", kDisk});
  Cgroup starved("io", "starved");
  starved.set("io.max", limit_of_disk("rbps=2"));
  Guest waits(on_first("dead-disk", reader("/dev/loop0")));
  std::this_thread::sleep_for(std::chrono::seconds(3));  // some reads are done by then
  starved.take(waits.pid());
  // Its process cannot end before.
  const std::shared_ptr<void> at_end(
      nullptr, [&](void*) { starved.set("io.max", limit_of_disk("rbps=max")); });
  must({"modprobe", "tun"});
  Guest network(on_first("network",
                         {"irq", "--count", "1000000", "--tap", kTap, "--read-delay-us", "20000"}));
  const TapHost host;
  const std::jthread sender([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) host.send(1, 40);
  });
  kill(paused.pid(), SIGSTOP);

  std::set<Alert> seen;
  const auto missing = [&] {
    std::string names;
    for (const auto& [name, whose] : expected)
      if (!has(seen, name, whose)) names += " " + name + "/" + whose;
    return names;
  };
  const Stopwatch watch;
  seconds_until(60, "VmflowSkewHigh", [&] {
    seen.merge(site.prometheus.firing());
    return has(seen, "VmflowSkewHigh", "skewed");
  });
  skewed.reset();
  let_kvm_poll_in_vain();
  Guest polling(
      named("polling", {"hlt", "--count", "1000000", "--period-us", "3000", "--pin", "1"}));
  Guest storm(on_first("storm", {"pio", "--count", "1000000", "--mode", "burn", "--us", "2000"}));
  seconds_until(120, "every alert", [&] {
    seen.merge(site.prometheus.firing());
    return missing().empty();
  });
  figure("{} alerts after {:.0f} s:", seen.size(), watch.seconds());
  for (const auto& alert : seen) figure("  {}", text_of(alert));
  EXPECT_EQ(missing(), "");

  site.narrow->signal(SIGTERM);
  ASSERT_TRUE(site.narrow->wait());
  figure("VmflowAgentDown after {:.0f} s", seconds_until(60, "VmflowAgentDown", [&] {
           return has(site.prometheus.firing(), "VmflowAgentDown", narrow);
         }));
  site.narrow.reset();
  site.narrow.emplace(site.start_narrow());
  figure("and none after {:.0f} s", seconds_until(60, "it is back", [&] {
           return !has(site.prometheus.firing(), "VmflowAgentDown", narrow);
         }));
  std::this_thread::sleep_for(std::chrono::seconds(10));
  kill(paused.pid(), SIGCONT);
}

}  // namespace
}  // namespace vmflow::lab
