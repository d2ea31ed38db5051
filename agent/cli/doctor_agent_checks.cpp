// SPDX-License-Identifier: GPL-2.0-only
// vmflow doctor: what the agent says of itself.
#include <fmt/format.h>

#include "agent/cli/doctor_look.h"
#include "agent/cli/doctor_metrics.h"
#include "agent/version.h"

namespace vmflow {
namespace {

std::string restart(const DoctorHost& host) {
  if (runs_systemd(host)) return as_root(host, "systemctl restart vmflowd");
  return fmt::format("{}{} &", caller_is_root(host) ? "" : "sudo -b ", shell_word(host.vmflowd));
}

bool answers(const DoctorHost& host) {
  return host.agent && host.agent->problem.empty();
}

CheckFinding no_answer() {
  return cannot_tell("vmflowd does not answer", "");
}

CheckFinding look_at_settings(const DoctorHost& host) {
  if (!host.settings_are_readable && answers(host)) return fine("vmflowd runs with them");
  if (!host.settings_are_readable)
    return cannot_tell("this user may not read them", "sudo vmflow doctor");
  if (host.settings) return fine("right");
  return missing(host.settings.error().message,
                 as_root(host, "${EDITOR:-vi} /etc/vmflow/vmflowd.json"));
}

CheckFinding look_at_answer(const DoctorHost& host) {
  if (answers(host)) return fine(host.agent_url);
  auto start = restart(host);
  return missing(host.agent->problem, std::move(start));
}

CheckFinding look_at_version(const DoctorHost& host) {
  if (!answers(host)) return no_answer();
  const auto builds = series_of(*host.agent, kBuildInfo);
  if (builds.empty())
    return cannot_tell("what answers does not say that it is vmflowd", restart(host));
  const auto version = label_of(builds.front().first, "version");
  const auto revision = label_of(builds.front().first, "revision");
  const auto found = fmt::format("{} ({})", version, revision);
  if (version == kVersion && revision == kRevision) return fine(found);
  return degraded(fmt::format("{}, but this vmflow is {} ({})", found, kVersion, kRevision),
                  restart(host));
}

CheckFinding look_at_attached(const DoctorHost& host) {
  if (!answers(host)) return no_answer();
  if (sum_of(*host.agent, kEntriesMissing).value_or(0) != 0)
    return missing("VMs run, but this kernel's KVM reports no VM entries",
                   as_root(host, "modprobe -a kvm_amd kvm_intel"));
  if (host.agent->is_ready) return fine("its programs are attached");
  return missing("it waits: its log says what for",
                 loaded_vendor_module((host.root / "sys").string()).empty()
                     ? as_root(host, "modprobe -a kvm_amd kvm_intel")
                     : restart(host));
}

CheckFinding look_at_collectors(const DoctorHost& host) {
  if (!answers(host)) return no_answer();
  std::string failed;
  for (const auto& [line, value] : series_of(*host.agent, kCollectorSuccess))
    if (value == 0) failed += " " + label_of(line, "collector");
  if (failed.empty()) return fine("all work");
  return degraded("these fail:" + failed, restart(host));
}

CheckFinding look_at_detail(const DoctorHost& host) {
  if (!answers(host)) return no_answer();
  std::string given_up;
  for (const auto& [line, value] : series_of(*host.agent, kDetailGivenUp))
    if (value != 0) given_up += (given_up.empty() ? "" : ", ") + label_of(line, "detail");
  if (given_up.empty()) return fine("all that was asked for is told");
  return degraded("given up to keep --overhead.budget: " + given_up, "vmflow top");
}

CheckFinding look_at_backends(const DoctorHost& host) {
  if (!answers(host)) return no_answer();
  std::string working;
  for (const auto& [line, value] : series_of(*host.agent, kBackendAvailable))
    if (value != 0) working += (working.empty() ? "" : ", ") + label_of(line, "backend");
  if (!working.empty()) return fine(working);
  return degraded("nothing records", restart(host));
}

/// The series that are not 0, by a label.
std::string counted(const AgentWords& agent, std::string_view metric, std::string_view label) {
  std::string text;
  for (const auto& [line, value] : series_of(agent, metric))
    if (value > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", label_of(line, label), value);
  return text;
}

CheckFinding look_at_losses(const DoctorHost& host) {
  if (!answers(host)) return no_answer();
  const auto lost = counted(*host.agent, kEventsDropped, "reason");
  if (lost.empty()) return fine("none");
  return degraded("since it started: " + lost, restart(host));
}

CheckFinding look_at_anomalies(const DoctorHost& host) {
  if (!answers(host)) return no_answer();
  const auto found = counted(*host.agent, kAnomalies, "anomaly");
  if (found.empty()) return fine("no contradictions");
  return degraded("since it started: " + found, restart(host));
}

}  // namespace

std::vector<Check> agent_checks() {
  return {
      {"settings", "agent", "settings", "vmflowd does not start with a wrong file.", Need::required,
       look_at_settings},
      {"agent", "agent", "vmflowd", "Nothing is measured where it does not run.", Need::required,
       look_at_answer},
      {"agent_attached", "agent", "attached", "Nothing is measured before.", Need::required,
       look_at_attached},
      {"agent_version", "agent", "version", "Commands may miss fields of another version.",
       Need::useful, look_at_version},
      {"agent_collectors", "agent", "collectors", "What a collector brings is missing.",
       Need::useful, look_at_collectors},
      {"agent_recorders", "agent", "recorders", "Snapshots have no trace.", Need::useful,
       look_at_backends},
      {"agent_detail", "agent", "detail", "What is given up is not told, and may not be traced.",
       Need::useful, look_at_detail},
      {"agent_losses", "agent", "lost events", "What was not counted is missing in the numbers.",
       Need::useful, look_at_losses},
      {"agent_anomalies", "agent", "ledger", "Events contradict one another.", Need::useful,
       look_at_anomalies},
  };
}

}  // namespace vmflow
