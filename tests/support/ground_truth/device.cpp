// SPDX-License-Identifier: GPL-2.0-only
#include "device.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <cstdint>

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

void raise_until_stopped(const std::stop_token& stop, int line, std::chrono::nanoseconds period) {
  ::pthread_setname_np(::pthread_self(), "device");
  for (auto next = std::chrono::steady_clock::now() + period; !stop.stop_requested();
       next += period) {
    std::this_thread::sleep_until(next);
    const std::uint64_t once = 1;
    if (::write(line, &once, sizeof(once)) != sizeof(once)) return;
  }
}

}  // namespace

Device::Device(const KvmVm& vm, std::chrono::nanoseconds period)
    : line_(::eventfd(0, EFD_CLOEXEC)) {
  if (line_.get() < 0) throw system_failure("eventfd");
  route_to_vector(vm.fd(), GUEST_VECTOR_DEVICE);
  kvm_irqfd irqfd{};
  irqfd.fd = static_cast<std::uint32_t>(line_.get());
  irqfd.gsi = kGsi;
  if (::ioctl(vm.fd(), KVM_IRQFD, &irqfd) != 0) throw system_failure("KVM_IRQFD");
  thread_ = std::jthread(raise_until_stopped, line_.get(), period);
}

}  // namespace vmflow::ground_truth
