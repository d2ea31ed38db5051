// SPDX-License-Identifier: GPL-2.0-only
// What a feature is in words, and what load it speaks for, by its name.
#pragma once

#include <string>
#include <string_view>

#include "analysis/feature_table.h"

namespace vmflow {

/// How amounts of a feature are written.
enum class FeatureAmount {
  kShare,   ///< "71 %"
  kRate,    ///< "420", followed by words with "/s"
  kBytes,   ///< "3.2 MB/s"
  kTime,    ///< "12.5 ms"
  kNumber,  ///< of a feature that nobody knows
};

/// A kind of features: those whose name is `begins`, anything, `ends`.
/// Shape: "{}" in `words` stands for the anything, "_" as blanks. A group of VMs with `full` of it
/// is fully of the kind `cause`, unless it has less than `least`; no cause: it speaks for none.
/// What the others have of it, too, does not set the group apart and counts less, unless it
/// `counts_anyway`.
struct FeatureKind {
  std::string_view begins;
  std::string_view ends;
  std::string_view words;
  FeatureAmount amount = FeatureAmount::kNumber;
  std::string_view cause = "";
  double full = 1;
  double least = 0;
  bool counts_anyway = false;
};

/// The kind that a feature is of. A name may begin with "state_".
/// Errors: of one that nobody knows it is a number, whose words are empty.
const FeatureKind& feature_kind(std::string_view name);

/// "disk wait", "cpuid exits/s"; of one that nobody knows its name.
std::string feature_words(std::string_view name);

/// "71 %", "420", "3.2 MB/s", "12.5 ms".
std::string feature_amount(std::string_view name, double value);

/// "71 % disk wait", "420 reads/s", "3.2 MB/s read"; "swap_depth 7" of one that nobody knows.
std::string feature_text(std::string_view name, double value);

/// A difference that is smaller than this says nothing. Units: the feature's.
double least_difference(std::string_view name);

}  // namespace vmflow
