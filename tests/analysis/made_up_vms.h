// SPDX-License-Identifier: GPL-2.0-only
// Tables of VMs of known kinds, the same ones each time, and how well groups tell the kinds.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "analysis/feature_table.h"

namespace vmflow::test {

/// Normally distributed; of the generator's bits alone, so that they are the same with any library.
class Noise {
 public:
  explicit Noise(uint64_t seed) : random_(seed) {}
  double next() {
    const double a = 1 - part(), b = part();
    return std::sqrt(-2 * std::log(a)) * std::cos(2 * std::numbers::pi * b);
  }
  double part() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 random_;
};

/// So many VMs whose features are about `middle`.
struct Kind {
  size_t vms = 0;
  std::vector<double> middle;
};

/// Shape: `kind` by row.
struct MadeUpVms {
  FeatureTable table;
  std::vector<uint32_t> kind;
};

inline FeatureTable table_of(const std::vector<std::string>& columns) {
  FeatureTable table;
  for (const auto& name : columns) table.columns.push_back({name, "", ""});
  return table;
}

inline void add_row(FeatureTable& table, std::vector<double> values, const std::string& vm = "") {
  table.rows.push_back({.host = "h",
                        .vm = vm.empty() ? fmt::format("vm-{}", table.rows.size()) : vm,
                        .name = "",
                        .begin_seconds = 0,
                        .end_seconds = 60,
                        .values = std::move(values)});
}

/// Each feature scatters by `scatter` around its kind's.
inline MadeUpVms made_up(const std::vector<std::string>& columns, const std::vector<Kind>& kinds,
                         double scatter, uint64_t seed = 1) {
  Noise noise(seed);
  MadeUpVms vms{table_of(columns), {}};
  for (uint32_t kind = 0; kind < kinds.size(); kind++)
    for (size_t i = 0; i < kinds[kind].vms; i++) {
      auto values = kinds[kind].middle;
      for (auto& value : values) value += scatter * noise.next();
      add_row(vms.table, std::move(values));
      vms.kind.push_back(kind);
    }
  return vms;
}

/// Kinds whose middles are strewn: `columns` names "PREFIX0", …
inline std::vector<Kind> strewn_kinds(const std::vector<size_t>& sizes, size_t columns, double wide,
                                      uint64_t seed = 7) {
  Noise noise(seed);
  std::vector<Kind> kinds;
  for (const auto size : sizes) {
    auto& kind = kinds.emplace_back(Kind{size, {}});
    for (size_t i = 0; i < columns; i++) kind.middle.push_back(wide * noise.next());
  }
  return kinds;
}

inline std::vector<std::string> numbered_columns(const std::string& before, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; i++) names.push_back(before + std::to_string(i));
  return names;
}

/// 1: the groups are the kinds; about 0: as chance would have it. Source: Hubert and Arabie 1985.
inline double adjusted_rand(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  const auto pairs = [](double n) { return n * (n - 1) / 2; };
  std::map<std::pair<uint32_t, uint32_t>, double> both;
  std::map<uint32_t, double> of_a, of_b;
  for (size_t i = 0; i < a.size(); i++) {
    both[{a[i], b[i]}]++;
    of_a[a[i]]++;
    of_b[b[i]]++;
  }
  double together = 0, in_a = 0, in_b = 0;
  for (const auto& each : both) together += pairs(each.second);
  for (const auto& each : of_a) in_a += pairs(each.second);
  for (const auto& each : of_b) in_b += pairs(each.second);
  const double by_chance = in_a * in_b / pairs(static_cast<double>(a.size()));
  const double most = (in_a + in_b) / 2;
  return most == by_chance ? 1 : (together - by_chance) / (most - by_chance);
}

}  // namespace vmflow::test
