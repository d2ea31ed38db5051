// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a Linux guest that ticks while its disk is slow. What ended its halts is one question,
// whether a request was in flight meanwhile another: each is held against a source of its own.
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <regex>
#include <sstream>

#include "ftrace.h"
#include "linux_phase.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// From and until, in seconds of CLOCK_MONOTONIC; in order, without overlaps.
struct Span {
  double from = 0, until = 0;
};
using Spans = std::vector<Span>;

double overlap(const Spans& a, const Spans& b) {
  double sum = 0;
  for (const auto& one : a)
    for (const auto& other : b)
      sum += std::max(0.0, std::min(one.until, other.until) - std::max(one.from, other.from));
  return sum;
}

double length(const Spans& spans) {
  return overlap(spans, {{0, 1e18}});
}

/// CLOCK_REALTIME minus CLOCK_MONOTONIC.
double clock_offset() {
  timespec real{}, monotonic{};
  clock_gettime(CLOCK_REALTIME, &real);
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  return static_cast<double>(real.tv_sec - monotonic.tv_sec) +
         static_cast<double>(real.tv_nsec - monotonic.tv_nsec) / 1e9;
}

/// The last `count` reads in QEMU's trace, one at a time: from the guest's request to its answer.
Spans reads_in(const std::string& file, size_t count) {
  static const std::regex kEvent(R"(@(\d+\.\d+):virtio_blk_(handle_read|req_complete) )");
  const double offset = clock_offset();
  std::ifstream log(file);
  Spans reads;
  for (std::string line; std::getline(log, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, kEvent)) continue;
    const double at = std::stod(match[1]) - offset;
    if (match[2] == "handle_read")
      reads.push_back({at, 0});
    else if (!reads.empty() && reads.back().until == 0)
      reads.back().until = at;
  }
  if (reads.size() > count) reads.erase(reads.begin(), reads.end() - static_cast<long>(count));
  return reads;
}

/// The sleeps of QEMU's vCPU thread in ftrace's record, from the switch to the wake-up.
Spans sleeps_in(const std::string& trace) {
  static const std::regex kEvent(R"(\s(\d+\.\d+): (sched_waking|sched_switch): (.*))");
  Spans sleeps;
  double asleep = 0;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.find("CPU 0/KVM") == std::string::npos || !std::regex_search(line, match, kEvent))
      continue;
    const double at = std::stod(match[1]);
    const std::string what = match[3];
    if (match[2] == "sched_waking" && what.starts_with("comm=CPU 0/KVM")) {
      if (asleep != 0) sleeps.push_back({asleep, at});
      asleep = 0;
    } else if (match[2] == "sched_switch" && what.starts_with("prev_comm=CPU 0/KVM") &&
               what.find("prev_state=S") != std::string::npos) {
      asleep = at;
    }
  }
  return sleeps;
}

}  // namespace

TEST(LinuxMixed, has_its_waits_by_what_ended_them_and_its_disk_beside) {
  if (const auto done =
          run({"modprobe", "null_blk", "nr_devices=1", "irqmode=2", "completion_nsec=50000000"});
      done.status != 0)
    FAIL() << done.err;
  const std::string log = "/run/qemu-requests";
  constexpr size_t kReads = 60;
  const std::vector<std::string> qemu = {
      "-name",   "guest=mixed,debug-threads=on",
      "-msg",    "timestamp=on",
      "-D",      log,
      "-trace",  "virtio_blk_handle_read",
      "-trace",  "virtio_blk_req_complete",
      "-drive",  "file=/dev/nullb0,format=raw,readonly=on,cache=none,if=none,id=disk,aio=native",
      "-device", "virtio-blk-pci,drive=disk,num-queues=1"};
  Ftrace ftrace({"sched_switch", "sched_waking"});
  const auto phase =
      run_phases({.qemu = qemu}, {{fmt::format("mixed,count={},period_us=10000", kReads),
                                   "100 Hz timer and a disk of 50 ms", "both"}})
          .front();
  ftrace.stop();
  expect_recorded(phase, "mixed", 5);
  EXPECT_GE(agreement(phase), 0.95);
  EXPECT_GE(share(phase.reported, "timer"), 0.3) << "it ticks while it waits for its disk";

  const auto reads = reads_in(log, kReads);
  const double pending = overlap(sleeps_in(ftrace.lines()), reads);
  figure("{} reads in QEMU's trace, in flight {:.3f} s; asleep meanwhile {:.3f} s by ftrace",
         reads.size(), length(reads), pending);
  figure(
      "halted with a request in flight, reported: {:.3f} s ({:+.2f} %); ended by the disk {:.3f} s",
      phase.pending, 100 * (phase.pending / pending - 1), phase.reported.at("disk"));
  EXPECT_EQ(reads.size(), kReads);
  EXPECT_EQ(ftrace.lost(), 0);
  EXPECT_NEAR(phase.pending, pending, 0.05 * pending);
}

}  // namespace vmflow::lab
