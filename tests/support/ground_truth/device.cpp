// SPDX-License-Identifier: GPL-2.0-only
#include "device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "conductor.h"

namespace vmflow::ground_truth {
namespace {

constexpr std::uint32_t kGsi = 24;                 // the first above the IOAPIC's pins
constexpr std::uint32_t kMsiAddress = 0xfee00000;  // to LAPIC 0

/// struct kvm_irq_routing with its one entry. The kernel's declaration of the flexible array has
/// another size in C++ than in C, which spoils the request number made from it.
struct Routing {
  std::uint32_t nr;
  std::uint32_t flags;
  kvm_irq_routing_entry entry;
};
constexpr unsigned long kSetGsiRouting = _IOW(KVMIO, 0x6a, std::uint64_t);

void route_to_vector(int vm, std::uint32_t vector) {
  Routing routing{};
  routing.nr = 1;
  routing.entry.gsi = kGsi;
  routing.entry.type = KVM_IRQ_ROUTING_MSI;
  routing.entry.u.msi.address_lo = kMsiAddress;
  routing.entry.u.msi.data = vector;
  if (::ioctl(vm, kSetGsiRouting, &routing) != 0) throw system_failure("KVM_SET_GSI_ROUTING");
}

/// Past the page cache, so that the host's block layer sees it.
void read_block(int disk) {
  constexpr std::size_t kBlock = 4096;
  alignas(kBlock) static thread_local std::array<char, kBlock> block;
  if (::pread(disk, block.data(), block.size(), 0) < 0) throw system_failure("reading the disk");
}

/// False if none has come for a while: the thread must see that it is to stop.
bool read_packet(int tap, const Options& options) {
  constexpr int kMilliseconds = 100;
  std::array<char, 2048> packet;
  pollfd readable{.fd = tap, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, kMilliseconds) == 0) return false;
  std::this_thread::sleep_for(options.read_delay);
  const auto size = ::read(tap, packet.data(), packet.size());
  if (size < 0) throw system_failure("reading the tap");
  if (options.echo && ::write(tap, packet.data(), static_cast<std::size_t>(size)) != size)
    throw system_failure("writing to the tap");
  return true;
}

int open_tap(const std::string& name) {
  const int tap = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tap < 0) throw system_failure("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  if (::ioctl(tap, TUNSETIFF, &request) != 0) throw system_failure("TUNSETIFF");
  return tap;
}

void raise_until_stopped(const std::stop_token& stop, int line, int disk, int tap,
                         const Options& options) try {
  const auto period = options.timer_period;
  ::pthread_setname_np(::pthread_self(), "device");
  for (auto next = std::chrono::steady_clock::now() + period; !stop.stop_requested();
       next += period) {
    if (tap < 0) std::this_thread::sleep_until(next);
    if (disk >= 0) read_block(disk);
    if (tap >= 0 && !read_packet(tap, options)) continue;
    const std::uint64_t once = 1;
    if (::write(line, &once, sizeof(once)) != sizeof(once)) return;
  }
} catch (const std::exception& error) {
  die(error.what());
}

}  // namespace

Device::Device(const KvmVm& vm, const Options& options) : line_(::eventfd(0, EFD_CLOEXEC)) {
  if (line_.get() < 0) throw system_failure("eventfd");
  if (!options.read_file.empty()) {
    disk_ = Fd(::open(options.read_file.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (disk_.get() < 0) throw system_failure(options.read_file);
  }
  if (!options.read_tap.empty()) tap_ = Fd(open_tap(options.read_tap));
  route_to_vector(vm.fd(), GUEST_VECTOR_DEVICE);
  kvm_irqfd irqfd{};
  irqfd.fd = static_cast<std::uint32_t>(line_.get());
  irqfd.gsi = kGsi;
  if (::ioctl(vm.fd(), KVM_IRQFD, &irqfd) != 0) throw system_failure("KVM_IRQFD");
  if (options.vhost)
    vhost_ = std::make_unique<VhostNet>(tap_.get(), line_.get(), options.echo);
  else
    thread_ = std::jthread(raise_until_stopped, line_.get(), disk_.get(), tap_.get(), options);
}

}  // namespace vmflow::ground_truth
