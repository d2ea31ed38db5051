// SPDX-License-Identifier: GPL-2.0-only
// One VM in detail: two looks at it become tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/vms_look.h"

namespace vmflow {

/// What the agent says of one VM at one moment. Units: seconds.
struct VmDetail {
  struct Vcpu {
    uint64_t id = 0;
    uint64_t tid = 0;
    NamedNumbers states;
  };
  struct Process {
    std::string name;
    double guest_seconds = 0;
  };
  VmCounters vm;
  std::optional<double> seconds;  ///< of the agent's clock
  std::vector<Vcpu> vcpus;
  NamedNumbers exit_counts;
  NamedNumbers exit_seconds;
  NamedNumbers blocked;
  NamedNumbers culprits;  ///< by name, of ready time
  std::string sentence;
  std::vector<Process> processes;  ///< of the last `window_seconds`
  double window_seconds = 0;
  std::string processes_why;  ///< why there are none, if there are none
};

/// The agent's answers to /vms/ID and what is below it. Shape: empty: not answered.
struct VmAnswers {
  std::string vm;
  std::string culprits;
  std::string verdict;
  std::string processes;
};

/// Errors: absent if `vm` is no answer about a VM; what the others lack is left out.
std::optional<VmDetail> vm_detail(const VmAnswers& answers);

/// Shape: `rows` have a cell for each of `titles`; the first one is text. Without rows, `none` is
/// said.
struct VmDetailTable {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
  std::string none;
};

/// What happened between two looks: vCPUs, exits, waits, culprits, processes.
/// Shape: `before` may be null, and of what is not known yet there is "-".
std::vector<VmDetailTable> detail_tables(const VmDetail* before, const VmDetail& now);

}  // namespace vmflow
