// SPDX-License-Identifier: GPL-2.0-only
// What a userspace exit index means.
#pragma once

#include <cstdint>
#include <string_view>

#include "bpf/records.h"

namespace vmflow {

/// The lower-case KVM_EXIT_* name of a userspace exit index; `error` when KVM_RUN failed, `other`
/// for what is out of range or newer than this table.
std::string_view userspace_exit_name(uint32_t index);

}  // namespace vmflow
