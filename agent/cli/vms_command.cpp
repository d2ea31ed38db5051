// SPDX-License-Identifier: GPL-2.0-only
// vmflow vms: which VMs there are, and what slows each.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.h"
#include "agent/cli/shared_flags.h"
#include "agent/cli/vm_watch.h"
#include "agent/cli/vms_text.h"

namespace vmflow {
namespace {

constexpr const char* kExamples = R"(
Examples:
  vmflow vms                                           one line for each VM: label, name, process, why it is slow
  vmflow vms --agent http://host7:9752                 of another host
  vmflow vms --format json | jq -r '.[] | select(.cause == "colocated_vm") | .name'

The cause and the sentence are of vmflowd's last minute.
Exit status: 0 done, 1 no answer, 2 the command line is wrong.
)";

}  // namespace

std::function<int()> vms_command(CLI::App& app, CLI::App*& chosen) {
  struct Flags {
    AgentAddress agent;
    std::string format = "text";
  };
  const auto flags = std::make_shared<Flags>();
  chosen = app.add_subcommand("vms", "list the VMs of a host, and what slows each");
  chosen->footer(kExamples);
  add_agent_flags(*chosen, flags->agent);
  chosen->add_option("--format", flags->format, "text or json (text)")
      ->check(CLI::IsMember({"text", "json"}));
  return [flags] {
    HttpAgentClient agent(flags->agent);
    const auto look = ask_vms(agent);
    if (!look) {
      fmt::print(stderr, "vmflow: {}\n", look.error().message);
      return static_cast<int>(kFailed);
    }
    fmt::print("{}", flags->format == "json" ? vms_json(*look) : vms_text(*look));
    return static_cast<int>(std::fflush(stdout) == 0 ? kDone : kFailed);
  };
}

}  // namespace vmflow
