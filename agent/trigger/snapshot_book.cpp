// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_book.h"

#include <algorithm>
#include <set>
#include <utility>

namespace vmflow {

void SnapshotBook::begin(SnapshotSummary summary) {
  summary.state = SnapshotState::kRecording;
  recording_ = std::move(summary);
}

void SnapshotBook::complete(const std::string& id, uint64_t bytes) {
  if (!recording_ || recording_->id != id) return;
  recording_->state = SnapshotState::kComplete;
  recording_->bytes = bytes;
  known_[id] = std::move(*recording_);
  recording_.reset();
}

void SnapshotBook::fail(const std::string& id, const std::string& error) {
  if (!recording_ || recording_->id != id) return;
  recording_->state = SnapshotState::kFailed;
  recording_->error = error;
  failed_.push_back(std::move(*recording_));
  recording_.reset();
  if (failed_.size() > kMostFailures) failed_.pop_front();
}

void SnapshotBook::add(SnapshotSummary summary) {
  auto id = summary.id;
  known_[std::move(id)] = std::move(summary);
}

std::vector<SnapshotSummary> SnapshotBook::list(const std::vector<StoredSnapshot>& kept) const {
  std::vector<SnapshotSummary> all;
  for (const auto& stored : kept) {
    // Its folder is there a moment before it is told to be complete.
    if (recording_ && recording_->id == stored.id) continue;
    const auto known = known_.find(stored.id);
    auto summary = known == known_.end() ? SnapshotSummary{} : known->second;
    summary.id = stored.id;
    summary.bytes = stored.bytes;
    all.push_back(std::move(summary));
  }
  if (recording_) all.push_back(*recording_);
  all.insert(all.end(), failed_.begin(), failed_.end());
  return all;
}

std::optional<SnapshotSummary> SnapshotBook::find(const std::string& id,
                                                  const std::vector<StoredSnapshot>& kept) const {
  for (auto& summary : list(kept))
    if (summary.id == id) return std::move(summary);
  return std::nullopt;
}

std::vector<SnapshotLink> SnapshotBook::links(const std::vector<StoredSnapshot>& kept) const {
  std::map<std::string, SnapshotLink> latest;
  for (const auto& stored : kept)
    if (const auto known = known_.find(stored.id); known != known_.end())
      latest[known->second.vm] = {known->second.vm, stored.id, known->second.trigger};
  std::vector<SnapshotLink> links;
  for (auto& [vm, link] : latest) links.push_back(std::move(link));
  return links;
}

void SnapshotBook::forget_all_but(const std::vector<StoredSnapshot>& kept) {
  std::set<std::string> ids;
  for (const auto& stored : kept) ids.insert(stored.id);
  std::erase_if(known_, [&](const auto& known) { return !ids.contains(known.first); });
}

}  // namespace vmflow
