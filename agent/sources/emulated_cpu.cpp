// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/emulated_cpu.h"

#include <cpuid.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace vmflow {
namespace {

constexpr uint32_t kFeatures = 1, kHypervisorName = 0x40000000;
constexpr uint32_t kHasHypervisor = 1u << 31;
constexpr std::string_view kTcg = "TCGTCGTCGTCG";

}  // namespace

bool cpu_is_emulated() {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(kFeatures, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kHasHypervisor) == 0)
    return false;
  __cpuid(kHypervisorName, eax, ebx, ecx, edx);
  const std::array<uint32_t, 3> words = {ebx, ecx, edx};
  return std::memcmp(words.data(), kTcg.data(), kTcg.size()) == 0;
}

}  // namespace vmflow
