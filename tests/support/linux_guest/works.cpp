// SPDX-License-Identifier: GPL-2.0-only
// The simplest workloads: nothing, a timer, a disk.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

int disk = -1;
char* block = nullptr;

int64_t deadline(const Options& options) {
  const int64_t seconds = options.number("seconds", 0);
  return seconds > 0 ? now_ns() + seconds * 1'000'000'000 : INT64_MAX;
}

// One sleep from beginning to end.
void idle(const Options& options) {
  sleep_until(now_ns() + options.number("seconds", 3) * 1'000'000'000);
}

void tick(const Options& options) {
  const int64_t count = options.number("count", 150), until = deadline(options);
  const int64_t period_ns = options.number("period_us", 20'000) * 1000;
  int64_t next = now_ns(), ticks = 0;
  for (; ticks < count && next < until; ticks++) sleep_until(next += period_ns);
  truths()["ticks"] = ticks;
}

void open_disk(const Options& options) {
  const auto size = static_cast<size_t>(options.number("bytes", 4096));
  disk = open(options.text("device", "/dev/vda").c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (disk < 0) fail("cannot open the disk");
  block = static_cast<char*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096));
}

// One read after the other, past the page cache, each of another place.
void read_disk(const Options& options) {
  const auto size = static_cast<size_t>(options.number("bytes", 4096));
  const int64_t count = options.number("count", 150), until = deadline(options);
  const int64_t places = std::max<int64_t>(1, lseek(disk, 0, SEEK_END) / (int64_t)size);
  int64_t reads = 0, slowest_ns = 0, all_ns = 0;
  for (int64_t began = now_ns(); reads < count && began < until; reads++) {
    if (pread(disk, block, size, reads % places * (int64_t)size) != (ssize_t)size)
      fail("cannot read the disk");
    const int64_t ended = now_ns();
    all_ns += ended - began;
    slowest_ns = std::max(slowest_ns, ended - began);
    began = ended;
  }
  truths()["reads"] = reads;
  truths()["read_ns"] = all_ns;
  truths()["slowest_read_ns"] = slowest_ns;
}

}  // namespace

const Work kIdle{"idle", "", nullptr, idle};
const Work kTimer{"timer", "", nullptr, tick};
const Work kDisk{"disk", "virtio_pci virtio_blk", open_disk, read_disk};

}  // namespace vmflow::linux_guest
