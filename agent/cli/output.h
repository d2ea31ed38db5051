// SPDX-License-Identifier: GPL-2.0-only
// What a command leaves behind: its result in one piece, or one line of why there is none.
#pragma once

#include <string>

#include "agent/cli/command.h"

namespace vmflow {

/// Says `message` on stderr. Returns `status`.
int fail(const std::string& message, int status = kFailed);

/// Writes `text` to the file `output`; to stdout if it is empty or "-". Returns an ExitStatus.
/// Errors: said on stderr; not all of it could be written.
int write_out(const std::string& text, const std::string& output);

}  // namespace vmflow
