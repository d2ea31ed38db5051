// SPDX-License-Identifier: GPL-2.0-only
// What there is to tell of snapshots without reading a file: those that are kept, the one that is
// being taken, and the last ones that have failed.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/trigger/snapshot_store.h"
#include "analysis/snapshot_facts.h"
#include "analysis/trace_flow.h"

namespace vmflow {

/// Threads: one at a time. Shape: bounded by what the store keeps.
class SnapshotBook {
 public:
  static constexpr size_t kMostFailures = 32;

  void begin(SnapshotSummary summary);
  void complete(const std::string& id, uint64_t bytes);
  void fail(const std::string& id, const std::string& error);
  /// A snapshot that was there before the agent was.
  void add(SnapshotSummary summary);

  /// In the order of `kept`, then the one that is being taken, then failures. What the store keeps
  /// and nobody knows has its id alone.
  std::vector<SnapshotSummary> list(const std::vector<StoredSnapshot>& kept) const;
  std::optional<SnapshotSummary> find(const std::string& id,
                                      const std::vector<StoredSnapshot>& kept) const;
  /// The latest of each VM.
  std::vector<SnapshotLink> links(const std::vector<StoredSnapshot>& kept) const;
  /// Forgets what is no longer kept.
  void forget_all_but(const std::vector<StoredSnapshot>& kept);

 private:
  std::map<std::string, SnapshotSummary> known_;  // by id
  std::optional<SnapshotSummary> recording_;
  std::deque<SnapshotSummary> failed_;
};

}  // namespace vmflow
