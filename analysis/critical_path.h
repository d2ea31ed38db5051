// SPDX-License-Identifier: GPL-2.0-only
// What made a worker take as long as it did: its own chain of stretches, in which every wait that
// another worker ended is replaced by what that one did meanwhile, and so on.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/execution_graph.h"

namespace vmflow {

/// Shape: `worker` and `by` are places in ExecutionGraph::workers, `by` as in WorkStretch.
struct PathStretch {
  uint32_t worker = kNoWorker;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint32_t by = kNoWorker;
  Doing doing = Doing::kUnknown;
  uint8_t level = 0;
};

/// What the path is made of: all stretches that are alike but for their times.
struct PathPart {
  uint32_t worker = kNoWorker;
  uint32_t by = kNoWorker;
  Doing doing = Doing::kUnknown;
  uint8_t level = 0;
  uint64_t ns = 0;
  uint64_t count = 0;
};

/// Shape: `stretches` follow one another without a gap from `begin_ns` to `end_ns`, the sum of
/// `parts` is the same time, the longest first.
struct CriticalPath {
  uint32_t worker = kNoWorker;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  std::vector<PathStretch> stretches;
  std::vector<PathPart> parts;
  uint64_t not_followed = 0;  ///< waits whose waker was not followed: in a circle, or too deep
};

/// The bounded critical path of a worker between two moments.
/// Shape:  a worker about which nothing is known in a wait that it ended is not followed: the wait
///         stays as it is. So does what a chain does not tell.
/// Errors: none; a worker that is not there is unknown all the time. Every step goes back in time
/// or
///         one of kMostDeep waits deeper, never twice into one worker at one moment: it ends.
/// Source: F. Giraldeau, M. Dagenais: Wait analysis of distributed systems using kernel tracing.
CriticalPath critical_path(const ExecutionGraph& graph, uint32_t worker, uint64_t begin_ns,
                           uint64_t end_ns);

/// How many waits may lie within one another.
constexpr size_t kMostDeep = 64;

}  // namespace vmflow
