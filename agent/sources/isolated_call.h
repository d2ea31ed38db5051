// SPDX-License-Identifier: GPL-2.0-only
// A call into a library that may never return, with a deadline that holds.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "agent/result.h"

namespace vmflow {

/// Runs `work` in a forked child and returns what it returned.
/// A child, not a thread: a thread that hangs in a system call can neither be ended nor reused, it
/// keeps the library's locks and sockets for ever, and the process cannot end cleanly under it. A
/// child is killed, and the kernel closes all that it had. It has no descriptor of this process, no
/// terminal, and dies with the thread that calls.
/// Units: `deadline` is for all of it, the fork too.
/// Errors: that of `work`; what it threw; its death; no answer in time (`did_not_answer` of it).
/// Threads: any. `work` may use what is in memory, but no lock that another thread might hold.
Result<std::string> call_isolated(std::chrono::milliseconds deadline,
                                  const std::function<Result<std::string>()>& work);

/// True for the error of a call whose deadline passed.
bool did_not_answer(const Error& error);

}  // namespace vmflow
