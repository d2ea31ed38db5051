// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <chrono>
#include <stdexcept>
#include <thread>

namespace vmflow::lab {
namespace {

std::vector<std::string> command(std::vector<std::string> arguments) {
  // The test and the agent keep to CPU 0; a guest may run anywhere, or where --pin says.
  arguments.insert(arguments.begin(), {"taskset", "-c", "0,1", ground_truth_path()});
  arguments.emplace_back("--hold");
  return arguments;
}

void pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

VmTimes add_up(const std::vector<Series>& states) {
  VmTimes times;
  for (const auto& series : states) {
    const auto& state = series.labels.at("state");
    times.state[state] = series.value;
    times.sum += series.value;
    if (state == "guest" || state == "guest_nested" || state == "kvm" || state == "vmm" ||
        state == "halt_poll")
      times.on_cpu += series.value;
  }
  return times;
}

}  // namespace

Guest::Guest(std::vector<std::string> arguments) : process_(command(std::move(arguments))) {}

void Guest::go() {
  while (process_.err().find("ready\n") == std::string::npos) {
    if (!process_.is_running()) throw std::runtime_error("ground_truth: " + process_.err());
    pause();
  }
  process_.write("\n");
}

const Json& Guest::truth() {
  while (truth_.is_null()) {
    const auto text = process_.out();
    if (text.ends_with('\n')) {
      truth_ = Json::parse(text);
      continue;
    }
    if (!process_.is_running()) throw std::runtime_error("ground_truth: " + process_.err());
    pause();
  }
  return truth_;
}

void Guest::release() {
  process_.write("\n", true);
  process_.wait();
}

VmTimes times_of(const Page& page, const std::string& vm) {
  auto times = add_up(page.find("vmflow_vm_vcpu_seconds_total", {{"vm", vm}}));
  times.unaccounted = page.sum("vmflow_vm_vcpu_unaccounted_seconds_total", {{"vm", vm}});
  return times;
}

VmTimes times_of_vcpu(const Page& page, const std::string& vm, uint64_t vcpu) {
  return add_up(
      page.find("vmflow_vcpu_seconds_total", {{"vm", vm}, {"vcpu", std::to_string(vcpu)}}));
}

bool has_only_stalled_wakeups(const Page& page) {
  const auto wakeups = page.sum("vmflow_bpf_program_runs_total", {{"program", "sched_waking"}});
  const auto missing = page.sum("vmflow_ledger_anomalies_total", {{"anomaly", "wakeup_missing"}});
  return missing <= 1 + wakeups / 10000 && page.sum("vmflow_ledger_anomalies_total") == missing;
}

double seconds(const Json& ns) {
  return ns.get<double>() / 1e9;
}

double after_return(const Json& vcpu) {
  return seconds(vcpu["thread_end_ns"]) - seconds(vcpu["last_return_ns"]);
}

double cpu_after_return(const Json& vcpu) {
  return seconds(vcpu["cpu_after_return_ns"]);
}

double wall(const Json& vcpu) {
  return seconds(vcpu["last_return_ns"]) - seconds(vcpu["first_run_ns"]);
}

}  // namespace vmflow::lab
