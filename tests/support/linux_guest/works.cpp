// SPDX-License-Identifier: GPL-2.0-only
// The simplest workloads: nothing, a timer, a disk, both at once, memory.
#include <fcntl.h>
#include <sys/mman.h>
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
  const auto read = [&](size_t i) {
    if (first_cpu >= 0) keep_to_cpu(static_cast<size_t>(first_cpu) + i);
    reads[i] = read_blocks(options);
  };
  if (first_cpu < 0) {
    // Here: a thread that comes and goes takes 30 ms of an emulated guest's phase.
    read(0);
  } else {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < readers; i++) threads.emplace_back(read, i);
  }
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

constexpr int64_t kPage = 4096;
char* memory = nullptr;
int touched = -1;

int64_t pages_of(const Options& options) {
  return options.number("mib", 8) * (1 << 20) / kPage;
}

// Memory that the kernel was told to leave alone, at `at_mib`: nothing else touches it. Written,
// since the host has no page of its own for what was only read.
void map_memory(const Options& options) {
  if (memory) return;
  const int all = open("/dev/mem", O_RDWR | O_CLOEXEC);
  if (all < 0) fail("/dev/mem");
  auto* mapped = mmap(nullptr, static_cast<size_t>(pages_of(options) * kPage),
                      PROT_READ | PROT_WRITE, MAP_SHARED, all, options.number("at_mib", 128) << 20);
  close(all);
  touched = memfd_create("touched", MFD_CLOEXEC);
  if (mapped == MAP_FAILED || touched < 0) fail("cannot map memory");
  memory = static_cast<char*>(mapped);
  for (int64_t page = 0; page < pages_of(options); page++) memory[page * kPage] = 1;
}

// Touches page after page, round and round; the kernel does, see burn(). A touch that takes longer
// than slow_us has waited for its page.
void touch_memory(const Options& options) {
  const int64_t count = options.number("count", 1000), pages = pages_of(options);
  const int64_t slow_ns = options.number("slow_us", 2000) * 1000;
  int64_t began = now_ns();
  for (int64_t touch = 0; touch < count; touch++) {
    if (pwrite(touched, memory + touch % pages * kPage, 1, 0) != 1) fail("cannot touch memory");
    const int64_t ended = now_ns();
    if (ended - began > slow_ns) {
      truths()["slow_touches"]++;
      truths()["slow_ns"] += ended - began;
    }
    began = ended;
  }
  truths()["touches"] = count;
}

}  // namespace

const Work kIdle{"idle", "", nullptr, idle};
// Nothing, with a device that gives entropy.
const Work kAlive{"alive", "virtio_pci virtio_rng", nullptr, idle};
const Work kTimer{"timer", "", nullptr, tick};
const Work kDisk{"disk", "virtio_pci virtio_blk", open_disk, read_disk};
const Work kMixed{"mixed", "virtio_pci virtio_blk", open_disk, tick_and_read};
const Work kMemory{"memory", "", map_memory, touch_memory};

}  // namespace vmflow::linux_guest
