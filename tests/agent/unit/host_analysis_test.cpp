// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/host_analysis.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/trigger/ctf_writer.h"
#include "tests/agent/unit/temporary_folder.h"
#include "tests/analysis/drawn_packets.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr const char* kBootA = "aaaaaaaa-9847-4862-be69-516c1c2bbcd8";
constexpr const char* kBootB = "bbbbbbbb-9847-4862-be69-516c1c2bbcd8";
/// Host B was booted so much earlier; its clock is 40 ppm faster.
constexpr uint64_t kAhead = 7200 * kSecond;

uint64_t clock_b(uint64_t a_ns) {
  return a_ns + kAhead + a_ns / 25'000;
}

/// Ten seconds on two hosts with a VM each, process 10 on both. Each second the guest of A asks
/// the guest of B; a packet takes 20 us from tap to card, 100 us from card to card.
struct TwoHosts {
  TemporaryFolder folder;
  std::vector<Event> a, b;

  void see(std::vector<Event>& host, uint64_t ns, const PacketEvent& packet) {
    host.push_back({.ns = ns, .cpu = 1, .tid = 99, .tgid = 99, .kvm = 0, .data = packet});
  }
  void exit(std::vector<Event>& host, uint64_t ns, uint64_t handled_ns) {
    Event event{.ns = ns,
                .cpu = 0,
                .tid = 11,
                .tgid = 10,
                .kvm = 10,
                .data = ExitEvent{.code = 0x72, .isa = FLOW_ISA_SVM, .vcpu_id = 0}};
    host.push_back(event);
    event.ns += handled_ns;
    event.data = EntryEvent{0};
    host.push_back(event);
  }

  explicit TwoHosts(bool with_packets = true, bool answers = true) {
    for (uint32_t i = 1; i <= 10; i++) {
      const uint64_t at = i * kSecond, asked = at + 140'000, answered = asked + 300'000;
      exit(a, at, kSecond / 4);
      exit(b, clock_b(asked), kSecond / 4);
      if (!with_packets) continue;
      const auto ask = segment(1, 2, 100 * i, 50), answer = segment(2, 1, 10 * i, 5);
      see(a, at, packet(false, "tap1", ask));
      see(a, at + 20'000, packet(true, "eth0", ask));
      see(b, clock_b(at + 120'000), packet(false, "eth0", ask));
      if (!answers) continue;
      see(b, clock_b(asked), packet(true, "tap7", ask));
      see(b, clock_b(answered), packet(false, "tap7", answer));
      see(b, clock_b(answered + 20'000), packet(true, "eth0", answer));
      see(a, answered + 120'000, packet(false, "eth0", answer));
      see(a, answered + 140'000, packet(true, "tap1", answer));
    }
    write("a", a, "host-a", kBootA);
    write("b", b, "host-b", kBootB);
  }
  void write(const std::string& name, std::span<const Event> events, const std::string& host,
             const std::string& boot) {
    CtfWriteOptions options;
    options.hostname = host;
    options.boot_id = boot;
    const auto written = write_ctf(path(name) + "/trace", events, options);
    EXPECT_TRUE(written) << written.error().message;
  }
  std::string path(const std::string& name) const { return folder.path() + "/" + name; }

  std::vector<HostFolders> hosts(const std::vector<std::string>& names) const {
    std::vector<std::string> paths;
    for (const auto& name : names) paths.push_back(path(name));
    const auto found = hosts_of(paths);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::vector<HostFolders>{};
  }
  TraceAnalysis analyze(const AnalysisOptions& options = {}) const {
    auto analysis = analyze_hosts(hosts({"a", "b"}), options);
    EXPECT_TRUE(analysis) << analysis.error().message;
    return analysis ? std::move(*analysis) : TraceAnalysis{};
  }
};

const ReportVm& vm_on(const TraceReport& report, const std::string& host) {
  return *std::ranges::find(report.vms, host, &ReportVm::host);
}

}  // namespace

TEST(HostAnalysis, two_hosts_are_put_on_one_clock_by_their_packets) {
  const auto report = TwoHosts().analyze().report;
  ASSERT_EQ(report.host_clocks.size(), 1u);
  const auto& clock = report.host_clocks[0];
  EXPECT_EQ(clock.host, "host-b");
  EXPECT_EQ(clock.against, "host-a");
  EXPECT_EQ(clock.quality, "accurate");
  EXPECT_EQ(clock.packets_there, 10u);
  EXPECT_EQ(clock.packets_back, 10u);
  ASSERT_TRUE(clock.accuracy_ns && clock.offset_ns);
  EXPECT_LT(*clock.accuracy_ns, 150'000u) << "100 us there and back, both lines may tilt";
  EXPECT_NEAR(clock.drift, 40e-6, 15e-6);
  EXPECT_NEAR(static_cast<double>(*clock.offset_ns),
              static_cast<double>(clock_b(kSecond) - kSecond),
              static_cast<double>(*clock.accuracy_ns));
  // What B's VM did, on A's clock.
  const auto& intervals = vm_on(report, "host-b").vcpus.at(0).intervals;
  ASSERT_FALSE(intervals.empty());
  EXPECT_NEAR(static_cast<double>(intervals[0].begin_ns), kSecond + 140'000,
              static_cast<double>(*clock.accuracy_ns) + 1);
}

TEST(HostAnalysis, a_vm_carries_the_host_it_ran_on) {
  const auto report = TwoHosts().analyze().report;
  ASSERT_EQ(report.vms.size(), 2u);
  EXPECT_NE(vm_on(report, "host-a").flow.name.find(" on host-a"), std::string::npos);
  EXPECT_NE(vm_on(report, "host-b").flow.name.find(" on host-b"), std::string::npos);
  EXPECT_EQ(report.sources.size(), 2u);
}

TEST(HostAnalysis, without_packets_there_are_sums_and_no_common_times) {
  const auto report = TwoHosts(false).analyze().report;
  ASSERT_EQ(report.host_clocks.size(), 1u);
  EXPECT_EQ(report.host_clocks[0].quality, "absent: no packet was seen on both hosts");
  EXPECT_FALSE(report.host_clocks[0].offset_ns);
  EXPECT_TRUE(vm_on(report, "host-b").vcpus.at(0).intervals.empty());
  EXPECT_FALSE(vm_on(report, "host-a").vcpus.at(0).intervals.empty());
  EXPECT_GT(vm_on(report, "host-b").flow.time.state_ns[FLOW_KVM], 0u);
  EXPECT_TRUE(std::ranges::any_of(report.missing, [](const MissingResult& one) {
    return one.result == "the times of host-b";
  }));
}

TEST(HostAnalysis, of_one_direction_the_accuracy_is_not_bounded) {
  const auto clock = TwoHosts(true, false).analyze().report.host_clocks.at(0);
  EXPECT_EQ(clock.quality.substr(0, 11), "approximate");
  EXPECT_TRUE(clock.offset_ns);
  EXPECT_FALSE(clock.accuracy_ns);
}

TEST(HostAnalysis, of_one_vm_it_may_be_on_any_host) {
  TwoHosts two;
  two.b.clear();
  two.exit(two.b, kAhead + kSecond, 5);
  for (auto& event : two.b) event.tgid = 20;
  two.write("other", two.b, "host-c", "cccccccc-9847-4862-be69-516c1c2bbcd8");
  const auto hosts = two.hosts({"a", "other"});
  const auto analysis = analyze_hosts(hosts, {.vm = "20"});
  ASSERT_TRUE(analysis) << analysis.error().message;
  ASSERT_EQ(analysis->report.vms.size(), 1u);
  EXPECT_EQ(analysis->report.vms[0].host, "host-c");
  EXPECT_FALSE(analyze_hosts(hosts, {.vm = "30"}));
}

TEST(HostFolders, folders_of_one_boot_are_one_host) {
  TwoHosts two;
  two.write("a2", two.a, "renamed", kBootA);
  const auto hosts = two.hosts({"a", "b", "a2"});
  ASSERT_EQ(hosts.size(), 2u);
  EXPECT_EQ(hosts[0].name, "host-a");
  EXPECT_EQ(hosts[0].paths.size(), 2u);
  EXPECT_EQ(hosts[1].name, "host-b");
}

TEST(HostFolders, without_a_boot_the_name_counts_and_without_both_they_are_one) {
  TwoHosts two;
  two.write("x", two.a, "host-x", "");
  two.write("x2", two.a, "host-x", "");
  two.write("nobody", two.a, "", "");
  two.write("nobody2", two.a, "", "");
  const auto hosts = two.hosts({"x", "nobody", "x2", "nobody2"});
  ASSERT_EQ(hosts.size(), 2u);
  EXPECT_EQ(hosts[0].paths.size(), 2u);
  EXPECT_EQ(hosts[1].name, "nobody");
}

TEST(HostFolders, two_hosts_of_one_name_are_two) {
  TwoHosts two;
  two.write("b2", two.b, "host-a", kBootB);
  const auto hosts = two.hosts({"a", "b2"});
  ASSERT_EQ(hosts.size(), 2u);
  EXPECT_EQ(hosts[1].name, "host-a (2)");
}

}  // namespace vmflow::test
