// SPDX-License-Identifier: GPL-2.0-only
// The last seconds' looks at the slots: the begin of a window in which a trace is held against the
// counters.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "agent/sources/packed_slots.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// Threads: one at a time.
class KeptLooks {
 public:
  /// Is the youngest one old enough for the next?
  bool is_due(uint64_t now_ns) const;

  /// Keeps what a window begins with: when it was, the host, the slots, and whose they are. The
  /// oldest one goes for it.
  void keep(const Snapshot& look);

  /// The oldest one that is not from before `ns`. Absent: there is none.
  std::optional<Snapshot> after(uint64_t ns) const;

  void clear() { looks_.clear(); }
  size_t size() const { return looks_.size(); }
  /// Of all of them, but for names.
  size_t bytes() const;

 private:
  using Identities = std::map<VmKey, VmIdentity>;
  struct Look {
    uint64_t now_ns = 0;
    HostInfo host;
    PackedSlots slots;
    std::shared_ptr<const Identities> identities;  ///< mostly the same as of the look before
  };

  std::deque<Look> looks_;
};

}  // namespace vmflow
