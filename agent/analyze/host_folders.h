// SPDX-License-Identifier: GPL-2.0-only
// Which folders with traces are of one host.
#pragma once

#include <string>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// One boot of one host. Shape: `name` is what its traces say, or else the folder's.
struct HostFolders {
  std::string name;
  std::vector<std::string> paths;
};

/// Shape:  in the order of `paths`, each in one of them. Folders are of one host if their clocks
///         are of the same boot, or, where that is not told, if they tell the same host's name;
///         what tells neither is of one host. Two hosts of one name get numbers.
/// Errors: no trace, a broken one, clocks that differ in one folder; see read_ctf().
Result<std::vector<HostFolders>> hosts_of(const std::vector<std::string>& paths);

}  // namespace vmflow
