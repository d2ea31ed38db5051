// SPDX-License-Identifier: GPL-2.0-only
// A set of capabilities, as libcap has it.
#pragma once

#include <sys/capability.h>

#include <type_traits>

#include "agent/c_handle.h"

namespace vmflow {

inline int free_capabilities(cap_t set) {
  return cap_free(set);
}
using CapabilitySet = CHandle<std::remove_pointer_t<cap_t>, free_capabilities>;

}  // namespace vmflow
