// SPDX-License-Identifier: GPL-2.0-only
// The user that vmflowd runs as: root starts it, and is not needed by what it does afterwards.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/result.h"

namespace vmflow {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  /// Its groups, and `tracing`, whose members lttng-sessiond lets record the kernel.
  std::vector<gid_t> groups;
};

/// Whom to become. `asked`: the setting, empty by default: then `vmflow` if there is such an
/// account, else `nobody`. nullopt: to stay who we are, because root is asked for, or root was not
/// what started us, or this root may not change users. Errors: no such account; one is asked for,
/// and we cannot become it.
Result<std::optional<User>> user_to_become(const std::string& asked);

/// Becomes `user`, for good, with the capabilities that are held (permitted, not effective any
/// more). Threads: before there is a second one.
Result<void> become(const User& user);

}  // namespace vmflow
