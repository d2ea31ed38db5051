// SPDX-License-Identifier: GPL-2.0-only
// Drawn intervals of one vCPU that runs guests of its own, with whose time each is. The same tables
// are stepped natively and in the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bpf/nested_step.h"

namespace vmflow::test {

/// What a nested vCPU must have had. Units: nanoseconds. Exits: (exit index, handled, reflected).
struct NestedBook {
  uint64_t vmcb12 = 0, l0 = 0, l1 = 0, l2 = 0, entries = 0, deeper = 0;
  std::vector<std::vector<uint64_t>> exits = {};
  bool operator==(const NestedBook&) const = default;
};

/// What the vCPU must have had, all its nested guests together.
struct NestedLevels {
  uint64_t l0 = 0, l1 = 0, l2 = 0, rest = 0, pending = 0;
  bool operator==(const NestedLevels&) const = default;
};

struct NestedTable {
  std::string name;
  std::vector<flow_step> steps;
  std::vector<NestedBook> books;
  NestedLevels levels;
  uint64_t levels_missed = 0;  ///< FLOW_LEVEL_MISSED
};

const std::vector<NestedTable>& nested_tables();

/// What `play` came to, in the shape of a table.
std::vector<NestedBook> books_of(const nested_play& play);
NestedLevels levels_of(const nested_play& play);

}  // namespace vmflow::test
