// SPDX-License-Identifier: GPL-2.0-only
// vmflow log: the numbers of vmflow top for a file or another program.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "agent/cli/command.h"
#include "agent/cli/log_text.h"
#include "agent/cli/output.h"
#include "agent/cli/shared_flags.h"
#include "agent/cli/top_command.h"
#include "agent/cli/vm_watch.h"

namespace vmflow {
namespace {

constexpr const char* kExamples = R"(
Examples:
  vmflow log --csv > flow.csv                          a row for each VM every two seconds, until Ctrl-C
  vmflow log --json -n 30 --delay 10                   five minutes of JSON, one object a line
  vmflow log --json -n 1 | jq -r 'select(.ready_percent > 5) | .name'

Percent are of a VM's vCPU time between two looks: 100 is all of its vCPUs, all of the time. Empty (null) is not known.
Exit status: 0 done, 1 no answer, 2 the command line is wrong.
)";

int run_log(const TopOrder& order, bool csv) {
  HttpAgentClient agent(order.agent);
  bool has_header = !csv;
  const auto tell = [&](const TopRows& rows) {
    if (!std::exchange(has_header, true)) fmt::print("{}", csv_header());
    const auto time = utc_now();
    fmt::print("{}", csv ? csv_text(rows, time) : json_lines(rows, time));
    return std::fflush(stdout) == 0;
  };
  const auto done = watch_vms(agent, {.count = order.count,
                                      .pause = paced(order.delay_seconds),
                                      .tell = tell,
                                      .warn = [](const std::string& text) { fail(text); }});
  if (!done) return fail(done.error().message);
  return std::ferror(stdout) == 0 ? kDone : fail("cannot write to stdout");
}

}  // namespace

std::function<int()> log_command(CLI::App& app, CLI::App*& chosen) {
  struct Flags {
    TopOrder order;
    bool csv = false, json = false;
  };
  const auto flags = std::make_shared<Flags>();
  auto& order = flags->order;
  chosen = app.add_subcommand("log", "print where every VM's time goes, as CSV or JSON");
  chosen->footer(kExamples);
  auto* format = chosen->add_option_group("format")->require_option(1);
  format->add_flag("--csv", flags->csv, "one line for each VM and look, with a header");
  format->add_flag("--json", flags->json, "one object for each VM and look, a line each");
  add_agent_flags(*chosen, order.agent);
  add_watch_flags(*chosen, order.delay_seconds, order.count);
  return [flags] { return run_log(flags->order, flags->csv); };
}

}  // namespace vmflow
