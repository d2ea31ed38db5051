// SPDX-License-Identifier: GPL-2.0-only
#include "slow_memory.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>

#include "conductor.h"

namespace vmflow::ground_truth {
namespace {

constexpr std::size_t kPage = 4096;
constexpr int kLookMilliseconds = 100;  // how often the thread looks whether it is to stop

void put_zero_page(int faults, std::uint64_t address) {
  uffdio_zeropage page{};
  page.range = {.start = address & ~(kPage - 1), .len = kPage};
  if (::ioctl(faults, UFFDIO_ZEROPAGE, &page) != 0 && errno != EEXIST)
    throw system_failure("UFFDIO_ZEROPAGE");
}

void serve(const std::stop_token& stop, int faults, std::chrono::nanoseconds delay) try {
  while (!stop.stop_requested()) {
    pollfd readable{.fd = faults, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kLookMilliseconds) <= 0) continue;
    uffd_msg message{};
    if (::read(faults, &message, sizeof(message)) != sizeof(message)) continue;
    if (message.event != UFFD_EVENT_PAGEFAULT) continue;
    std::this_thread::sleep_for(delay);
    put_zero_page(faults, message.arg.pagefault.address);
  }
} catch (const std::exception& error) {
  die(error.what());
}

}  // namespace

SlowMemory::SlowMemory(std::size_t size, std::chrono::nanoseconds delay)
    : memory_(size, -1, MAP_PRIVATE),
      faults_(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK))) {
  if (faults_.get() < 0) throw system_failure("userfaultfd");
  uffdio_api api{};
  api.api = UFFD_API;
  if (::ioctl(faults_.get(), UFFDIO_API, &api) != 0) throw system_failure("UFFDIO_API");
  uffdio_register all{};
  all.range = {.start = reinterpret_cast<std::uintptr_t>(address()), .len = size};
  all.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (::ioctl(faults_.get(), UFFDIO_REGISTER, &all) != 0) throw system_failure("UFFDIO_REGISTER");
  thread_ = std::jthread(serve, faults_.get(), delay);
}

}  // namespace vmflow::ground_truth
