// SPDX-License-Identifier: GPL-2.0-only
// A ground-truth guest in a test, and vmflow's view of it beside its own.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent_process.h"

namespace vmflow::lab {

using Json = nlohmann::json;

/// A ground_truth process whose VMs stay until the test lets them go.
class Guest {
 public:
  /// `arguments`: as on its command line.
  explicit Guest(std::vector<std::string> arguments);
  /// Starts the vCPUs, if `--wait-stdin` was among the arguments and it is ready.
  void go();
  /// Waits for the JSON, the VMs still live. Errors: throws.
  const Json& truth();
  /// Ends the VMs.
  void release();
  pid_t pid() const { return process_.pid(); }

 private:
  Process process_;
  Json truth_;
};

/// Sums of one VM on a page. Units: seconds.
struct VmTimes {
  std::map<std::string, double> state;
  double unaccounted = 0;
  double sum = 0;     ///< of all states
  double on_cpu = 0;  ///< guest, guest_nested, kvm, vmm, halt_poll
};
VmTimes times_of(const Page& page, const std::string& vm);
/// The same of one vCPU; needs --collector.vcpu.per-vcpu.
VmTimes times_of_vcpu(const Page& page, const std::string& vm, uint64_t vcpu);

/// Anomalies that a page may show: the emulated CPUs may stand still in the middle of a wake-up, so
/// that it looks older than the sleep it ends. None of any other kind.
bool has_only_stalled_wakeups(const Page& page);

double seconds(const Json& ns);

/// Seconds from a vCPU's last return until its thread ended: vmflow still follows it there.
double after_return(const Json& vcpu);
/// What of them it was on a CPU.
double cpu_after_return(const Json& vcpu);
/// Seconds from its first KVM_RUN to its last return.
double wall(const Json& vcpu);

}  // namespace vmflow::lab
