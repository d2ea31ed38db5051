// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rights/own_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/rights/capabilities.h"

namespace vmflow {
namespace {

constexpr const char* kOwnAccount = "vmflow";
constexpr const char* kAnybody = "nobody";
constexpr const char* kTracingGroup = "tracing";
constexpr const char* kRoot = "root";

std::vector<gid_t> groups_of(const passwd& account) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  // Too few places: it says how many there are.
  while (getgrouplist(account.pw_name, account.pw_gid, groups.data(), &count) < 0)
    groups.resize(static_cast<size_t>(count));
  groups.resize(static_cast<size_t>(count));
  if (const auto* tracing = getgrnam(kTracingGroup))
    if (std::ranges::find(groups, tracing->gr_gid) == groups.end())
      groups.push_back(tracing->gr_gid);
  return groups;
}

std::optional<User> find_user(const char* name) {
  const auto* account = getpwnam(name);
  if (account == nullptr) return std::nullopt;
  return User{account->pw_name, account->pw_uid, account->pw_gid, groups_of(*account)};
}

}  // namespace

Result<std::optional<User>> user_to_become(const std::string& asked) {
  if (asked == kRoot && geteuid() == 0) return std::nullopt;
  const bool may_change = geteuid() == 0 && is_permitted(CAP_SETUID) && is_permitted(CAP_SETGID);
  if (asked.empty()) {
    if (!may_change) return std::nullopt;
    auto user = find_user(kOwnAccount);
    if (!user) user = find_user(kAnybody);
    if (user) return user;
    return failure(fmt::format(
        "there is neither an account '{}' nor '{}' to run as: make the first one, or choose "
        "another by --user",
        kOwnAccount, kAnybody));
  }
  auto user = find_user(asked.c_str());
  if (!user) return failure(fmt::format("user: there is no account '{}' on this host", asked));
  if (user->uid == geteuid()) return std::nullopt;
  if (!may_change)
    return failure(
        fmt::format("user: only root can change to '{}': start vmflowd as root, or "
                    "without --user",
                    asked));
  return user;
}

Result<void> become(const User& user) {
  const auto failed = [&](const char* what) {
    return failure(fmt::format("changing to user '{}': {}: {}; --user root stays root", user.name,
                               what, std::strerror(errno)));
  };
  // Else the kernel takes all capabilities from who stops being root.
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed("keeping capabilities");
  if (setgroups(user.groups.size(), user.groups.data()) != 0) return failed("its groups");
  if (setresgid(user.gid, user.gid, user.gid) != 0) return failed("its group");
  if (setresuid(user.uid, user.uid, user.uid) != 0) return failed("its number");
  return {};
}

}  // namespace vmflow
