// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/problem_text.h"

#include <fmt/format.h>

namespace vmflow {

std::string problem_text(const HttpProblem& problem) {
  return fmt::format(
      "HTTP/1.1 {0} {1}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {2}\r\n"
      "{3}Connection: close\r\n\r\n{1}\n",
      problem.status, problem.text, problem.text.size() + 1,
      problem.status == 401 ? "WWW-Authenticate: Basic realm=\"vmflow\", charset=\"UTF-8\"\r\n"
                            : "");
}

void add_headers(std::string& answer,
                 const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string lines;
  for (const auto& [name, value] : headers) lines.append(name + ": " + value + "\r\n");
  const auto end = answer.find("\r\n");
  if (end != std::string::npos) answer.insert(end + 2, lines);
}

}  // namespace vmflow
