// SPDX-License-Identifier: GPL-2.0-only
#include "vhost_net.h"

#define VIRTIO_RING_NO_LEGACY  // what it leaves out is no C++
#include <fcntl.h>
#include <linux/vhost.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "conductor.h"

namespace vmflow::ground_truth {
namespace {

constexpr std::size_t kAvailAt = 1024, kUsedAt = 2048;  // behind 64 descriptors of 16 bytes

template <typename T>
T& at(char* memory, std::size_t offset) {
  return *reinterpret_cast<T*>(memory + offset);
}

void call(int vhost, unsigned long request, const void* argument, const char* what) {
  if (::ioctl(vhost, request, argument) != 0) throw system_failure(what);
}

std::uint64_t address(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

}  // namespace

VhostRing::VhostRing(char* memory, char* buffers)
    : memory_(memory), buffers_(buffers), kick_(::eventfd(0, EFD_CLOEXEC)) {
  if (kick_.get() < 0) throw system_failure("eventfd");
}

void VhostRing::attach(int vhost, unsigned index, int raised, int tap) const {
  const vhost_vring_state size{.index = index, .num = kBuffers}, base{.index = index, .num = 0};
  vhost_vring_addr rings{};
  rings.index = index;
  rings.desc_user_addr = address(memory_);
  rings.avail_user_addr = address(memory_ + kAvailAt);
  rings.used_user_addr = address(memory_ + kUsedAt);
  const vhost_vring_file kick{.index = index, .fd = kick_.get()},
      done{.index = index, .fd = raised}, backend{.index = index, .fd = tap};
  call(vhost, VHOST_SET_VRING_NUM, &size, "VHOST_SET_VRING_NUM");
  call(vhost, VHOST_SET_VRING_BASE, &base, "VHOST_SET_VRING_BASE");
  call(vhost, VHOST_SET_VRING_ADDR, &rings, "VHOST_SET_VRING_ADDR");
  call(vhost, VHOST_SET_VRING_KICK, &kick, "VHOST_SET_VRING_KICK");
  call(vhost, VHOST_SET_VRING_CALL, &done, "VHOST_SET_VRING_CALL");
  call(vhost, VHOST_NET_SET_BACKEND, &backend, "VHOST_NET_SET_BACKEND");
}

void VhostRing::give(std::uint16_t id, std::uint32_t bytes, bool is_written) {
  auto& descriptor = at<vring_desc>(memory_, id * sizeof(vring_desc));
  descriptor = {.addr = address(buffers_ + id * kBufferBytes),
                .len = bytes,
                .flags = static_cast<__virtio16>(is_written ? VRING_DESC_F_WRITE : 0),
                .next = 0};
  auto* avail = &at<std::uint16_t>(memory_, kAvailAt);  // flags, index, ring
  avail[2 + avail[1] % kBuffers] = id;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic_ref(avail[1]).store(static_cast<std::uint16_t>(avail[1] + 1));
}

bool VhostRing::take(std::uint16_t& id, std::uint32_t& bytes) {
  auto& index = at<std::uint16_t>(memory_, kUsedAt + 2);  // behind the flags
  if (std::atomic_ref(index).load() == taken_) return false;
  const auto& used =
      at<vring_used_elem>(memory_, kUsedAt + 4 + (taken_ % kBuffers) * sizeof(vring_used_elem));
  id = static_cast<std::uint16_t>(used.id);
  bytes = used.len;
  taken_++;
  return true;
}

void VhostRing::kick() const {
  const std::uint64_t once = 1;
  if (::write(kick_.get(), &once, sizeof(once)) != sizeof(once)) throw system_failure("kick");
}

VhostNet::VhostNet(int tap, int line, bool echo)
    : vhost_(::open("/dev/vhost-net", O_RDWR | O_CLOEXEC)),
      memory_(2 * VhostRing::kBytes + VhostRing::kBuffers * VhostRing::kBufferBytes, -1),
      sent_(::eventfd(0, EFD_CLOEXEC)),
      receive_(memory_.at<char>(0), memory_.at<char>(2 * VhostRing::kBytes)),
      transmit_(memory_.at<char>(VhostRing::kBytes), memory_.at<char>(2 * VhostRing::kBytes)),
      echo_(echo) {
  if (vhost_.get() < 0) throw system_failure("/dev/vhost-net");
  call(vhost_.get(), VHOST_SET_OWNER, nullptr, "VHOST_SET_OWNER");
  // vhost makes up the header in front of each packet, since the tap has none.
  const std::uint64_t features = 1ull << VHOST_NET_F_VIRTIO_NET_HDR;
  call(vhost_.get(), VHOST_SET_FEATURES, &features, "VHOST_SET_FEATURES");
  // Guest-physical addresses are this process' own. The table ends in a flexible array.
  std::vector<std::uint64_t> table((sizeof(vhost_memory) + sizeof(vhost_memory_region)) / 8);
  auto* memory = reinterpret_cast<vhost_memory*>(table.data());
  memory->nregions = 1;
  auto* region = reinterpret_cast<vhost_memory_region*>(table.data() + sizeof(vhost_memory) / 8);
  region->guest_phys_addr = region->userspace_addr = address(memory_.at<char>(0));
  region->memory_size = 2 * VhostRing::kBytes + VhostRing::kBuffers * VhostRing::kBufferBytes;
  call(vhost_.get(), VHOST_SET_MEM_TABLE, memory, "VHOST_SET_MEM_TABLE");
  for (std::uint16_t id = 0; id < VhostRing::kBuffers; id++)
    receive_.give(id, VhostRing::kBufferBytes, true);
  receive_.attach(vhost_.get(), 0, line, tap);
  transmit_.attach(vhost_.get(), 1, sent_.get(), tap);
  receive_.kick();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

// The card's driver, which would be in the guest.
void VhostNet::run(const std::stop_token& stop) try {
  ::pthread_setname_np(::pthread_self(), "driver");
  std::uint16_t id = 0;
  std::uint32_t bytes = 0;
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    while (receive_.take(id, bytes)) {
      if (echo_) {
        transmit_.give(id, bytes, false);
        transmit_.kick();
      } else {
        receive_.give(id, VhostRing::kBufferBytes, true);
        receive_.kick();
      }
    }
    for (bool any = false; transmit_.take(id, bytes); any = true) {
      receive_.give(id, VhostRing::kBufferBytes, true);
      if (!any) receive_.kick();
    }
  }
} catch (const std::exception& error) {
  die(error.what());
}

}  // namespace vmflow::ground_truth
