// SPDX-License-Identifier: GPL-2.0-only
// One agent for all tests of a program, started before any guest, on a CPU of its own.
#pragma once

#include "agent_process.h"

namespace vmflow::lab {

/// To be called once before the tests run, at namespace scope: the agent starts before the first
/// test and must end with status 0 after the last. The test program and the agent keep to the first
/// CPU.
bool share_one_agent();

/// That agent, with --collector.vcpu.per-vcpu.
AgentProcess& agent();

}  // namespace vmflow::lab
