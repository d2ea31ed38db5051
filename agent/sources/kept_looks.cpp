// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/kept_looks.h"

namespace vmflow {
namespace {

constexpr uint64_t kBetweenNs = 3'000'000'000;
constexpr size_t kMost = 6;

}  // namespace

bool KeptLooks::is_due(uint64_t now_ns) const {
  return looks_.empty() || now_ns >= looks_.back().now_ns + kBetweenNs;
}

void KeptLooks::keep(const Snapshot& look) {
  Look kept{.now_ns = look.now_ns,
            .host = look.host,
            .slots = PackedSlots(look.slots),
            .identities = nullptr};
  if (!looks_.empty() && *looks_.back().identities == look.identities)
    kept.identities = looks_.back().identities;
  else
    kept.identities = std::make_shared<const Identities>(look.identities);
  looks_.push_back(std::move(kept));
  if (looks_.size() > kMost) looks_.pop_front();
}

std::optional<Snapshot> KeptLooks::after(uint64_t ns) const {
  for (const auto& look : looks_) {
    if (look.now_ns < ns) continue;
    Snapshot snapshot;
    snapshot.now_ns = look.now_ns;
    snapshot.host = look.host;
    snapshot.slots = look.slots.unpacked();
    snapshot.identities = *look.identities;
    return snapshot;
  }
  return std::nullopt;
}

size_t KeptLooks::bytes() const {
  size_t bytes = 0;
  for (const auto& look : looks_) bytes += look.slots.bytes();
  return bytes;
}

}  // namespace vmflow
