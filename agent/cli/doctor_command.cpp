// SPDX-License-Identifier: GPL-2.0-only
// vmflow doctor: what this host supports, and what mends the rest.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <memory>

#include "agent/cli/command.h"
#include "agent/cli/doctor_host.h"
#include "agent/cli/doctor_text.h"
#include "agent/cli/shared_flags.h"

namespace vmflow {
namespace {

constexpr const char* kExamples = R"(
Examples:
  vmflow doctor                                        everything, and for what is missing the command that mends it
  vmflow doctor --problems                             only what is not well
  vmflow doctor --no-agent                             is this host fit for vmflowd? before it is started
  vmflow doctor --json | jq -r '.checks[] | select(.state != "ok") | .remedy // empty'

It changes nothing, needs no root and gives up on what does not answer. What only root can see is '?'.
FAIL: vmflow measures nothing without it. warn: it tells less. tip: its operator is better off with it.
Colours are off with --no-color, and where NO_COLOR is set or the output is no terminal.
Exit status: 0 everything needed is there, 1 something needed is missing or cannot be told, 2 the command line is wrong.
)";

size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::function<int()> doctor_command(CLI::App& app, CLI::App*& chosen) {
  struct Flags {
    DoctorOrder order;
    DoctorLayout layout;
    bool json = false, no_agent = false, no_colour = false;
  };
  const auto flags = std::make_shared<Flags>();
  chosen = app.add_subcommand("doctor", "say what this host supports, and what mends the rest");
  chosen->footer(kExamples);
  add_agent_flags(*chosen, flags->order.agent);
  chosen->add_flag("--no-agent", flags->no_agent, "do not ask vmflowd");
  chosen->add_option("--config.file", flags->order.config_file,
                     fmt::format("settings of vmflowd ({})", flags->order.config_file));
  chosen->add_flag("--problems", flags->layout.only_problems, "only what is not well");
  chosen->add_flag("--json", flags->json, "JSON instead of text");
  chosen->add_flag("--no-color", flags->no_colour, "without colours");
  return [flags] {
    flags->order.ask_agent = !flags->no_agent;
    const auto results = examine(gather_host(flags->order));
    std::setlocale(LC_CTYPE, "C.UTF-8");
    const bool is_terminal = isatty(STDOUT_FILENO) == 1;
    const char* off = std::getenv("NO_COLOR");
    flags->layout.colour = is_terminal && !flags->no_colour && (off == nullptr || *off == '\0');
    if (is_terminal) flags->layout.width = terminal_width();
    fmt::print("{}", flags->json ? doctor_json(results) : doctor_text(results, flags->layout));
    if (std::fflush(stdout) != 0) return static_cast<int>(kFailed);
    return static_cast<int>(is_fit(results) ? kDone : kFailed);
  };
}

}  // namespace vmflow
