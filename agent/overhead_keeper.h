// SPDX-License-Identifier: GPL-2.0-only
// Asks once a second what the programs cost, and tells them what to give up for it.
#pragma once

#include <atomic>
#include <cstdint>

#include "agent/config.h"
#include "agent/sources/bpf_programs.h"
#include "analysis/governor.h"

namespace vmflow {

/// Threads: may_record() from any, the rest from one at a time.
class OverheadKeeper {
 public:
  explicit OverheadKeeper(const Config& config);

  /// Says in the log that there is no budget where one was expected.
  void tell() const;
  /// Once a second, while `programs` are attached.
  void tick(BpfPrograms& programs);

  /// False while the flight recorder is given up.
  bool may_record() const { return may_record_; }
  const OverheadFlow& flow() const { return governor_.flow(); }

 private:
  const bool has_recorder_;
  const bool is_off_here_;  ///< the default budget, and the CPU is emulated
  Governor governor_;
  std::atomic<bool> may_record_ = true;
};

}  // namespace vmflow
