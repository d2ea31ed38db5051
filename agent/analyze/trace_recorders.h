// SPDX-License-Identifier: GPL-2.0-only
// Which traces vmflow has recorded itself: these hold what the kernel side had decided.
#pragma once

#include <string>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// Traces below some paths, by who recorded them.
struct Recorders {
  std::vector<std::string> own;
  std::vector<std::string> others;

  /// What is to be replayed.
  const std::vector<std::string>& best() const { return own.empty() ? others : own; }
};

/// Errors: see read_ctf().
Result<Recorders> find_recorders(const std::vector<std::string>& paths);

}  // namespace vmflow
