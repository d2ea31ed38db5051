// SPDX-License-Identifier: GPL-2.0-only
// Amounts as a reader wants them in a sentence or a table.
#pragma once

#include <cstdint>
#include <string>

namespace vmflow {

/// "1.25 s", "12.5 ms", "450 µs", "80 ns": three digits, the unit that fits.
std::string time_text(uint64_t ns);

/// "50 %"; what is there but rounds to 0 is "<1 %". Errors: of nothing is "0 %".
std::string share_text(uint64_t part, uint64_t whole);

/// "12 345 678": digits in threes, with a space that does not break.
std::string count_text(uint64_t count);

/// "1 vCPU", "3 vCPUs".
std::string counted_text(uint64_t count, const std::string& noun);

}  // namespace vmflow
