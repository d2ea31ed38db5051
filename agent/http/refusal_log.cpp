// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/refusal_log.h"

#include <spdlog/spdlog.h>

namespace vmflow {
namespace {

constexpr std::chrono::minutes kBetweenLines{1};

}  // namespace

void RefusalLog::note(HttpRefusal refusal, const std::string& peer, std::string_view detail,
                      std::chrono::steady_clock::time_point now) {
  auto& kind = kinds_[static_cast<size_t>(refusal)];
  const auto count = ++kind.count;
  if (kind.said != 0 && now < kind.last_line + kBetweenLines) return;
  const auto unsaid = count - kind.said - 1;
  spdlog::warn("client {} was not served ({}): {}{}", peer, refusal_name(refusal), detail,
               unsaid == 0 ? "" : fmt::format("; {} more since the last such line", unsaid));
  kind.said = count;
  kind.last_line = now;
}

}  // namespace vmflow
