// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/vm_watch.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <utility>

namespace vmflow {

Result<VmsLook> ask_vms(AgentClient& agent) {
  const auto answer = agent.get("/api/v1/vms");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200)
    return failure(
        fmt::format("status {}: is this the address of a vmflowd that is ready?", answer->status));
  return vms_look(answer->json);
}

Result<void> watch_vms(AgentClient& agent, const VmWatch& watch) {
  auto before = ask_vms(agent);
  if (!before) return tl::unexpected(before.error());
  std::string problem;
  const auto warn = [&](const std::string& text) {
    if (text != std::exchange(problem, text) && !text.empty()) watch.warn(text);
  };
  uint64_t told = 0;
  for (uint64_t asked = 0; watch.count == 0 || asked < watch.count; asked++) {
    if (!watch.pause()) break;
    auto now = ask_vms(agent);
    if (!now) {
      warn(now.error().message);
      continue;
    }
    const auto rows = top_rows(&*before, *now);
    warn(restart_note(rows));
    told++;
    if (!watch.tell(rows)) break;
    before = std::move(now);
  }
  return told > 0 || watch.count == 0 ? Result<void>()
                                      : failure("vmflowd has answered the first look only");
}

std::string utc_text(double unix_seconds) {
  // fmt::gmtime throws at what is no time; the agent may say anything.
  constexpr double kYear9999 = 253'402'300'799.0;
  if (!(unix_seconds >= 0 && unix_seconds <= kYear9999)) return "-";
  const auto time = static_cast<std::time_t>(unix_seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time));
}

std::string utc_now() {
  return utc_text(static_cast<double>(std::time(nullptr)));
}

}  // namespace vmflow
