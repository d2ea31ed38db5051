// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --icount: the same run seen by vmflow and by perf kvm stat.
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// The table of `perf kvm stat report`: reason to (samples, mean time in microseconds).
std::map<std::string, std::pair<long, double>> perf_table(const std::string& report) {
  static const std::regex kRow(
      R"(^\s*([a-z_0-9]+)\s+(\d+)\s+[\d.]+%\s+[\d.]+%\s+[\d.]+us\s+[\d.]+us\s+([\d.]+)us)");
  std::map<std::string, std::pair<long, double>> table;
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, kRow))
      table[match[1]] = {std::stol(match[2]), std::stod(match[3])};
  }
  return table;
}

}  // namespace

// With virtual time that counts instructions: perf's own work is a large part of an exit here, and
// both tools time it in part; the emulated CPUs' jitter must not come on top.
TEST(Perf, kvm_stat_counts_and_times_the_same) {
  for (const auto* program : {"cpuid", "msr"}) {
    // perf counts it as time of an exit when others have the CPU, and the lab has one: by its
    // priority the guest keeps it, so only pages of its file are left, which a run before has read.
    const auto warmed = run({ground_truth_path(), program, "--count", "11", "--linger-ms", "1500"});
    ASSERT_EQ(warmed.status, 0) << warmed.err;
    const auto before = agent().scrape();
    const auto finished =
        run({"perf", "kvm", "--host", "stat", "record", "-o", "/run/perf.data", "chrt", "--fifo",
             "1", ground_truth_path(), program, "--count", "3001", "--linger-ms", "1500"});
    ASSERT_EQ(finished.status, 0) << finished.err;
    EXPECT_EQ(finished.err.find("lost"), std::string::npos) << finished.err;
    // The VM is gone: what it used has departed, and no other VM has run.
    const auto page = agent().scrape();
    const auto grown = [&](const char* metric, const std::string& reason) {
      return page.sum(metric, {{"reason", reason}}) - before.sum(metric, {{"reason", reason}});
    };
    const double count = grown("vmflow_departed_exits_total", program);
    const double sum = grown("vmflow_exit_duration_seconds_sum", program);
    const auto report =
        run({"perf", "kvm", "--host", "-i", "/run/perf.data", "stat", "report", "--event=vmexit"});
    const auto table = perf_table(report.out + report.err);  // perf prints it to stderr
    ASSERT_TRUE(table.contains(program)) << report.out << report.err;
    const auto [samples, mean_us] = table.at(program);
    const double mine_us = 1e6 * sum / count;
    figure("{}: perf kvm stat {} exits, {:.2f} us each; vmflow {} exits, {:.2f} us each, {:+.2f} %",
           program, samples, mean_us, count, mine_us, 100 * (mine_us / mean_us - 1));
    EXPECT_NEAR(mine_us, mean_us, 0.1 * mean_us);
    for (const auto& [reason, row] : table) {
      const auto mine =
          grown("vmflow_departed_exits_total", reason == "interrupt" ? "intr" : reason);
      figure("  {:<9} perf {:>5}, vmflow {}", reason, row.first, mine);
      EXPECT_NEAR(static_cast<double>(row.first), mine, 2) << reason;
    }
  }
}

}  // namespace vmflow::lab
