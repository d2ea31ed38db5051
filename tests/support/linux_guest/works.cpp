// SPDX-License-Identifier: GPL-2.0-only
// The simplest workloads: nothing, a timer, a disk, both at once.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

int disk = -1;

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
  if (disk >= 0) close(disk);
  disk = open(options.text("device", "/dev/vda").c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (disk < 0) fail("cannot open the disk");
}

struct Reads {
  int64_t count = 0, all_ns = 0, slowest_ns = 0;
};

// One read after the other, past the page cache, each of another place.
Reads read_blocks(const Options& options) {
  const auto size = static_cast<size_t>(options.number("bytes", 4096));
  auto* block = static_cast<char*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096));
  const int64_t count = options.number("count", 150), until = deadline(options);
  const int64_t places = std::max<int64_t>(1, lseek(disk, 0, SEEK_END) / (int64_t)size);
  Reads reads;
  for (int64_t began = now_ns(); reads.count < count && began < until; reads.count++) {
    if (pread(disk, block, size, reads.count % places * (int64_t)size) != (ssize_t)size)
      fail("cannot read the disk");
    const int64_t ended = now_ns();
    reads.all_ns += ended - began;
    reads.slowest_ns = std::max(reads.slowest_ns, ended - began);
    began = ended;
  }
  std::free(block);
  return reads;
}

// With `threads` as many readers at once, each on a CPU of its own; with `cpu` one on that CPU.
void read_disk(const Options& options) {
  const auto readers = static_cast<size_t>(options.number("threads", 1));
  const auto first_cpu = options.number("cpu", readers > 1 ? 0 : -1);
  std::vector<Reads> reads(readers);
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < readers; i++)
    threads.emplace_back([&, i] {
      if (first_cpu >= 0) keep_to_cpu(static_cast<size_t>(first_cpu) + i);
      reads[i] = read_blocks(options);
    });
  threads.clear();  // joins
  for (const auto& one : reads) {
    truths()["reads"] += one.count;
    truths()["read_ns"] += one.all_ns;
    truths()["slowest_read_ns"] = std::max(truths()["slowest_read_ns"], one.slowest_ns);
  }
}

// Ticks as long as the disk is read.
void tick_and_read(const Options& options) {
  const int64_t period_ns = options.number("period_us", 10'000) * 1000;
  std::atomic<bool> is_reading = true;
  std::jthread ticker([&] {
    int64_t next = now_ns(), ticks = 0;
    for (; is_reading; ticks++) sleep_until(next += period_ns);
    truths()["ticks"] = ticks;
  });
  const auto reads = read_blocks(options);
  is_reading = false;
  ticker.join();
  truths()["reads"] = reads.count;
  truths()["read_ns"] = reads.all_ns;
}

}  // namespace

const Work kIdle{"idle", "", nullptr, idle};
const Work kTimer{"timer", "", nullptr, tick};
const Work kDisk{"disk", "virtio_pci virtio_blk", open_disk, read_disk};
const Work kMixed{"mixed", "virtio_pci virtio_blk", open_disk, tick_and_read};

}  // namespace vmflow::linux_guest
