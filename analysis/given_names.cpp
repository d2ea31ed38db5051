// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/given_names.h"

#include <algorithm>

#include "analysis/vm_label.h"

namespace vmflow {
namespace {

constexpr size_t kMostKubernetesBytes = 253;

bool is_kubernetes_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostKubernetesBytes &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

}  // namespace

GivenNames shown_names(const GivenNames& names) {
  GivenNames shown;
  for (const auto& field : kGivenNames) shown.*field.text = sanitise(names.*field.text);
  return shown;
}

std::optional<std::pair<std::string, std::string>> split_kubevirt_name(std::string_view domain) {
  const auto underscore = domain.find('_');
  if (underscore == std::string_view::npos) return std::nullopt;
  const auto space = domain.substr(0, underscore);
  const auto name = domain.substr(underscore + 1);
  if (!is_kubernetes_name(space) || !is_kubernetes_name(name)) return std::nullopt;
  return std::pair(std::string(space), std::string(name));
}

}  // namespace vmflow
