// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rights/capabilities.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/rights/capability_set.h"

namespace vmflow {
const Capabilities& capabilities_to_attach() {
  static const Capabilities all = {CAP_BPF, CAP_PERFMON, CAP_SYSLOG, CAP_DAC_READ_SEARCH,
                                   CAP_SYS_ADMIN};
  return all;
}

Capabilities capabilities_to_keep(bool kvm_is_loaded) {
  auto kept = capabilities_to_attach();
  if (!kvm_is_loaded) std::erase(kept, CAP_SYS_ADMIN);
  return kept;
}

std::string capability_name(cap_value_t capability) {
  char* text = cap_to_name(capability);
  if (text == nullptr) return fmt::format("{}", capability);
  const std::string_view name(text);
  constexpr std::string_view kPrefix = "cap_";
  const std::string bare(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name);
  cap_free(text);
  return bare;
}

bool is_permitted(cap_value_t capability) {
  const CapabilitySet now(cap_get_proc());
  cap_flag_value_t held = CAP_CLEAR;
  return now && cap_get_flag(now.get(), capability, CAP_PERMITTED, &held) == 0 && held == CAP_SET;
}

Result<void> keep_only(std::span<const cap_value_t> kept) {
  Capabilities held;
  std::ranges::copy_if(kept, std::back_inserter(held), is_permitted);
  const CapabilitySet set(cap_init());  // holds none
  const auto count = static_cast<int>(held.size());
  bool done = static_cast<bool>(set);
  for (const auto flag : {CAP_PERMITTED, CAP_EFFECTIVE})
    done =
        done && (held.empty() || cap_set_flag(set.get(), flag, count, held.data(), CAP_SET) == 0);
  if (done && cap_set_proc(set.get()) == 0) return {};
  return failure(fmt::format("giving up capabilities failed: {}", std::strerror(errno)));
}

void empty_bounding_set() {
  cap_reset_ambient();
  if (is_permitted(CAP_SETPCAP))
    for (cap_value_t one = 0; one < cap_max_bits(); one++) cap_drop_bound(one);
}

}  // namespace vmflow
