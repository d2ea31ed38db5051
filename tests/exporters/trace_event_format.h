// SPDX-License-Identifier: GPL-2.0-only
// What must hold of a file in Google's Trace Event Format, field by field, as far as vmflow writes
// it: metadata (M), complete events (X), and the two ends of flows (s, f).
//
// Source: Google, Trace Event Format; Perfetto, docs/getting-started/other-formats.md and the way
// its importer reads JSON: threads are known by their tid alone, slices of a track must nest, and
// the end of a flow belongs to the slice that is open in the order of time and then of the file.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace vmflow::test {

/// What is wrong with it, in words; empty: nothing.
std::vector<std::string> trace_event_faults(const std::string& text);

/// A slice of a valid file, with what its process and its track are called. Units: nanoseconds.
struct DrawnSlice {
  std::string process;
  std::string track;
  std::string category;
  std::string name;
  uint64_t begin_ns = 0;
  uint64_t ns = 0;
  nlohmann::json args;
};
std::vector<DrawnSlice> drawn_slices(const std::string& text);

}  // namespace vmflow::test
