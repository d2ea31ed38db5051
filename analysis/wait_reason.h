// SPDX-License-Identifier: GPL-2.0-only
// What a halted vCPU waited for: the meaning of the evidence that the kernel has kept.
#pragma once

#include <cstdint>
#include <string_view>

#include "bpf/records.h"

namespace vmflow {

/// A closed set; kUnknown is a counted answer.
enum class WaitReason : uint32_t {
  kTimer,
  kDisk,
  kNet,
  kTask,
  kMemory,
  kDevice,
  kPassthrough,
  kUnknown,
};
constexpr uint32_t kWaitReasons = 8;

/// The reason that the evidence stands for.
WaitReason wait_reason(flow_wake_kind evidence);

std::string_view wait_reason_name(WaitReason reason);

}  // namespace vmflow
