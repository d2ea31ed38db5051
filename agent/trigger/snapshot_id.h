// SPDX-License-Identifier: GPL-2.0-only
// What a snapshot is called: when it was taken and a number that only rises, so that the order of
// snapshots does not depend on a clock that may be set.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace vmflow {

/// `20261126T112557Z-000042`.
std::string snapshot_id(std::time_t now, uint64_t number);

/// The number in a text that snapshot_id() could have made; nullopt for any other. Nothing that is
/// no such text ever becomes part of a path.
std::optional<uint64_t> number_of_snapshot(std::string_view id);

}  // namespace vmflow
