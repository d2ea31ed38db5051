// SPDX-License-Identifier: GPL-2.0-only
// Answers that no path gives: what is wrong with a request, and headers that all answers have.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/http/request_head.h"

namespace vmflow {

/// A whole answer, after which the connection is closed.
std::string problem_text(const HttpProblem& problem);

/// Puts `headers` into an answer, behind its first line.
void add_headers(std::string& answer,
                 const std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace vmflow
