// SPDX-License-Identifier: GPL-2.0-only
// The stable label of a VM, and what makes foreign text fit to be shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "analysis/snapshot.h"

namespace vmflow {

constexpr size_t kMostLabelBytes = 256;

/// Text that somebody else wrote, as valid UTF-8 of at most `most_bytes`, cut between characters.
/// Bytes that are no UTF-8 and control characters become U+FFFD; a newline stays, since every
/// format that we write escapes it.
std::string sanitise(std::string_view text, size_t most_bytes = kMostLabelBytes);

/// Gives every live VM a label of its own: the uuid; `<uuid>+<pid>` if that is live already;
/// without a uuid `<pid>-<start ticks>`, and `-<n>` after it for further VMs of the same process.
class LabelBook {
 public:
  struct Given {
    std::string label;
    bool duplicate_uuid = false;
  };

  Given give(const VmKey& vm, const VmIdentity& identity);
  void take_back(const std::string& label) { live_.erase(label); }

 private:
  struct Process {
    uint32_t pid;
    uint64_t start_ticks;
    auto operator<=>(const Process&) const = default;
  };
  std::string numbered(const std::string& base, const Process& process);

  std::set<std::string> live_;
  /// VMs that each process has had: a number is never given twice, lest a counter seem to fall.
  std::map<Process, uint32_t> vms_of_;
};

}  // namespace vmflow
