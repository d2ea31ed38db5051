// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rights/map_access.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cstdint>

#include "agent/rights/capability_set.h"

namespace vmflow {
bool maps_need_no_capability() {
  const int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "vmflow_probe", sizeof(uint32_t),
                                 sizeof(uint64_t), 1, nullptr);
  if (map < 0) return true;
  const CapabilitySet now(cap_get_proc()), without(cap_get_proc());
  bool readable = true;
  if (now && without && cap_clear_flag(without.get(), CAP_EFFECTIVE) == 0 &&
      cap_set_proc(without.get()) == 0) {
    const uint32_t key = 0;
    uint64_t value = 0;
    readable = bpf_map_lookup_elem(map, &key, &value) == 0;
    cap_set_proc(now.get());
  }
  close(map);
  return readable;
}

}  // namespace vmflow
