// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rights/rights.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

#include "agent/rights/capabilities.h"
#include "agent/rights/map_access.h"
#include "agent/rights/own_rights.h"
#include "agent/rights/own_user.h"
#include "agent/rights/system_call_filter.h"
#include "agent/trigger/snapshot_owner.h"

namespace vmflow {

Result<std::unique_ptr<Rights>> Rights::limit(const RightsOptions& options) {
  const auto user = user_to_become(options.user);
  if (!user) return tl::unexpected(user.error());
  empty_bounding_set();  // while we may
  if (*user) {
    if (!options.snapshot_folder.empty())
      give_snapshot_folder(options.snapshot_folder, (*user)->uid, (*user)->gid);
    if (auto changed = become(**user); !changed) return tl::unexpected(changed.error());
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failure(fmt::format("no_new_privs: {}", std::strerror(errno)));
  if (auto kept = keep_only(capabilities_to_keep(options.kvm_is_loaded)); !kept)
    return tl::unexpected(kept.error());
  const bool need_none = maps_need_no_capability();
  std::unique_ptr<Rights> rights(new Rights);  // its thread has what we have now
  if (!need_none) rights->always_ = {CAP_BPF};
  if (auto left = keep_only(rights->always_); !left) return tl::unexpected(left.error());
  if (*user) rights->user_ = (*user)->name;
  rights->look();
  return rights;
}

void Rights::give_up() {
  // Before it ends: a thread that is ending can still be seen for a moment, with what it had.
  thread_.run([this] {
    if (const auto left = keep_only(always_); !left) spdlog::error("{}", left.error().message);
  });
  if (const auto filtered = filter_system_calls(); !filtered)
    spdlog::warn("{}", filtered.error().message);
  look();
  thread_.end();
  tell("all is attached");
  for (const auto& one : flow().capabilities)
    if (one.held)
      spdlog::warn(
          "cap_{} is kept: this kernel lets only its holder read BPF maps that are open; Linux "
          "5.19 and later need nothing",
          one.name);
}

// What the kernel says, not what was meant.
void Rights::look() {
  auto rights = read_rights("/proc/self");
  if (!rights) return spdlog::error("own rights: {}", rights.error().message);
  const std::lock_guard lock(mutex_);
  flow_ = std::move(*rights);
}

void Rights::tell(const char* when) const {
  spdlog::info("{}: {}{}", when, rights_text(flow()), user_.empty() ? "" : " (" + user_ + ")");
}

RightsFlow Rights::flow() const {
  const std::lock_guard lock(mutex_);
  return flow_;
}

}  // namespace vmflow
