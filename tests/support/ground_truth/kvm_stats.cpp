// SPDX-License-Identifier: GPL-2.0-only
#include "kvm_stats.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cstring>
#include <stdexcept>
#include <vector>

#include "handles.h"

namespace vmflow::ground_truth {
namespace {

/// struct kvm_stats_desc without its name, a flexible array that the kernel's header declares in
/// a way that gives the structure another size in C++ than in C.
struct Descriptor {
  std::uint32_t flags;
  std::int16_t exponent;
  std::uint16_t size;
  std::uint32_t offset;
  std::uint32_t bucket_size;
};
static_assert(sizeof(Descriptor) == 16);

void read_at(int fd, void* data, std::size_t size, std::size_t offset) {
  const ssize_t got = ::pread(fd, data, size, static_cast<off_t>(offset));
  if (got < 0) throw system_failure("reading KVM statistics");
  if (static_cast<std::size_t>(got) != size) {
    throw std::runtime_error("KVM statistics are shorter than their header says");
  }
}

bool is_scalar(const Descriptor& desc) {
  const auto type = desc.flags & KVM_STATS_TYPE_MASK;
  return desc.size == 1 && (type == KVM_STATS_TYPE_CUMULATIVE || type == KVM_STATS_TYPE_INSTANT ||
                            type == KVM_STATS_TYPE_PEAK);
}

}  // namespace

std::optional<KvmStats> read_kvm_stats(int fd) {
  const Fd stats(::ioctl(fd, KVM_GET_STATS_FD, nullptr));
  if (stats.get() < 0) return std::nullopt;

  kvm_stats_header header{};
  read_at(stats.get(), &header, sizeof(header), 0);
  // A descriptor is followed by its name, which fills name_size bytes with its zeros.
  const std::size_t desc_size = sizeof(Descriptor) + header.name_size;
  std::vector<char> descs(desc_size * header.num_desc);
  read_at(stats.get(), descs.data(), descs.size(), header.desc_offset);

  KvmStats values;
  for (std::size_t index = 0; index < header.num_desc; ++index) {
    const char* at = descs.data() + index * desc_size;
    Descriptor desc{};
    std::memcpy(&desc, at, sizeof(desc));
    if (!is_scalar(desc)) continue;
    const char* name = at + sizeof(desc);
    std::uint64_t value = 0;
    read_at(stats.get(), &value, sizeof(value), header.data_offset + desc.offset);
    values.emplace(std::string(name, ::strnlen(name, header.name_size)), value);
  }
  return values;
}

}  // namespace vmflow::ground_truth
