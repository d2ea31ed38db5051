// SPDX-License-Identifier: GPL-2.0-only
// A disk whose service time is known, and guests that read it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>
#include <vector>

#include "figure.h"
#include "kernel_file.h"
#include "process.h"

namespace vmflow::lab {

inline constexpr double kService = 0.020;
inline constexpr const char* kDisk = "/dev/nullb0";

/// A disk that serves one request at a time, each in so many seconds: as the first caller of a
/// program says.
inline void make_serial_disk(double service = kService) {
  static const int status = run({"modprobe", "null_blk", "nr_devices=1", "irqmode=2",
                                 fmt::format("completion_nsec={:.0f}", 1e9 * service),
                                 "hw_queue_depth=1", "submit_queues=1"})
                                .status;
  ASSERT_EQ(status, 0);
  // First come, first served.
  write_kernel_file("/sys/block/nullb0/queue/scheduler", "none");
}

/// Reads block after block, one at a time, for longer than any test.
inline std::vector<std::string> reader(const std::string& disk) {
  return {"irq", "--count", "1000000", "--period-us", "1", "--read", disk};
}

/// The disk's line in io.max.
inline std::string limit_of_disk(const std::string& limit) {
  struct stat disk {};
  if (stat(kDisk, &disk) != 0) throw std::runtime_error("there is no disk");
  return fmt::format("{}:{} {}", major(disk.st_rdev), minor(disk.st_rdev), limit);
}
inline std::string reads_a_second(int most) {
  return limit_of_disk("riops=" + std::to_string(most));
}

}  // namespace vmflow::lab
