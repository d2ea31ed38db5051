// SPDX-License-Identifier: GPL-2.0-only
// Two hosts that were recorded once, by tests/lab/record_hosts.sh: the client's VM on one asks the
// server's VM on the other over TCP, which reads a disk of 60 ms a request before it answers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "agent/analyze/host_analysis.h"

namespace vmflow::test {
namespace {

constexpr double kSlow = 0.060;

struct Sum {
  double seconds = 0, count = 0;
};

/// By "doing of host's VM or nobody's".
std::map<std::string, Sum> sums_of(const ReportPath& report) {
  std::map<std::string, Sum> sums;
  for (const auto& part : report.path.parts) {
    const auto& worker = report.workers.at(part.worker);
    auto& sum = sums[fmt::format("{} of {}", doing_name(part.doing), worker.vm_name)];
    sum.seconds += static_cast<double>(part.ns) / 1e9;
    sum.count += static_cast<double>(part.count);
  }
  return sums;
}

const TraceReport& recorded() {
  static const TraceReport report = [] {
    const auto hosts = hosts_of(
        {std::string(RECORDED_HOSTS) + "/client", std::string(RECORDED_HOSTS) + "/server"});
    if (!hosts) throw std::runtime_error(hosts.error().message);
    auto analysis = analyze_hosts(*hosts, {.path = "client/vcpu0"});
    if (!analysis) throw std::runtime_error(analysis.error().message);
    return std::move(analysis->report);
  }();
  return report;
}

}  // namespace

TEST(RecordedHosts, have_one_clock_by_the_packets_between_them) {
  ASSERT_EQ(recorded().host_clocks.size(), 1u);
  const auto& clock = recorded().host_clocks[0];
  ASSERT_TRUE(clock.accuracy_ns) << clock.quality;
  std::printf(
      "     server-host: offset %.6f s, drift %.2f ppm, known to %.3f ms, by %lu and %lu packets\n",
      static_cast<double>(*clock.offset_ns) / 1e9, 1e6 * clock.drift,
      static_cast<double>(*clock.accuracy_ns) / 1e6, clock.packets_there, clock.packets_back);
  EXPECT_EQ(clock.quality, "accurate");
  EXPECT_EQ(clock.contradicting, 0u);
  EXPECT_GT(clock.packets_there, 30u);
  EXPECT_GT(clock.packets_back, 30u);
  EXPECT_LT(*clock.accuracy_ns, 10'000'000u) << "of a disk of 60 ms";
}

TEST(RecordedHosts, path_of_the_client_crosses_to_the_disk_of_the_server) {
  ASSERT_TRUE(recorded().path);
  const auto& path = *recorded().path;
  const double whole = static_cast<double>(path.path.end_ns - path.path.begin_ns) / 1e9;
  std::printf("     %s\n", path.sentence.c_str());
  auto sums = sums_of(path);
  for (const auto& [what, sum] : sums)
    if (sum.seconds > 0.01 * whole)
      std::printf("     %6.3f s %5.0f times: %s\n", sum.seconds, sum.count, what.c_str());
  EXPECT_EQ(path.workers[0].name, "vCPU 0 of client on client-host");
  const auto& disk = sums["disk of server on server-host"];
  EXPECT_GT(disk.seconds, 0.2 * whole);
  EXPECT_GT(disk.count, 20);
  EXPECT_LE(disk.seconds / disk.count, 1.02 * kSlow);
  // Of all that is not the client's own, its disk is most.
  for (const auto& [what, sum] : sums)
    if (what.find("of client on client-host") == std::string::npos) {
      EXPECT_LE(sum.seconds, disk.seconds) << what;
    }
  // There and back again.
  const auto crosses = [&](const std::string& from, const std::string& to) {
    return std::ranges::count_if(path.path.stretches, [&](const PathStretch& each) {
      return each.doing == Doing::kNet && each.by != kNoWorker &&
             path.workers.at(each.worker).vm_name == from && path.workers.at(each.by).vm_name == to;
    });
  };
  EXPECT_GT(crosses("client on client-host", "server on server-host"), 20);
}

}  // namespace vmflow::test
