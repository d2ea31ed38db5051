// SPDX-License-Identifier: GPL-2.0-only
// What the agent may do on its host.
#pragma once

#include <string>
#include <vector>

namespace vmflow {

struct CapabilityFlow {
  std::string name;   ///< as in capabilities(7), in small letters without CAP_
  bool held = false;  ///< by a thread of the agent, in any of its sets but the bounding one
};

/// Whether each of these holds for every thread of the agent.
struct RightsFlow {
  std::vector<CapabilityFlow> capabilities;  ///< all that it may have needed, and others it holds
  bool unprivileged_user = false;            ///< its user is not root
  bool no_new_privs = false;                 ///< no program that it started could gain rights
  bool system_call_filter = false;           ///< the kernel refuses what is not on a list
};

}  // namespace vmflow
