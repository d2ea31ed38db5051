// SPDX-License-Identifier: GPL-2.0-only
// How each metric of the catalog is taken from the model. Units: seconds and bytes from here on.
#pragma once

#include <vector>

#include "analysis/metric_catalog.h"

namespace vmflow::samples {

std::vector<Sample> vm_info(const FlowModel& model);
std::vector<Sample> vm_vcpus(const FlowModel& model);
std::vector<Sample> vm_start_time(const FlowModel& model);
std::vector<Sample> vms(const FlowModel& model);
std::vector<Sample> host_info(const FlowModel& model);

std::vector<Sample> vm_vcpu_seconds(const FlowModel& model);
std::vector<Sample> vm_open_wait(const FlowModel& model);
std::vector<Sample> vm_wait(const FlowModel& model);
std::vector<Sample> vm_runqueue_wait(const FlowModel& model);
std::vector<Sample> wakeup_latency(const FlowModel& model);
std::vector<Sample> vm_blocked(const FlowModel& model);
std::vector<Sample> vm_ready_by_culprit(const FlowModel& model);
std::vector<Sample> vm_unaccounted(const FlowModel& model);
std::vector<Sample> vm_held_back(const FlowModel& model);
std::vector<Sample> vcpu_info(const FlowModel& model);
std::vector<Sample> vcpu_seconds(const FlowModel& model);

std::vector<Sample> thread_cpu(const FlowModel& model);
std::vector<Sample> thread_ready(const FlowModel& model);
std::vector<Sample> disk_operations(const FlowModel& model);
std::vector<Sample> disk_bytes(const FlowModel& model);
std::vector<Sample> disk_seconds(const FlowModel& model);
std::vector<Sample> disk_in_flight(const FlowModel& model);
std::vector<Sample> halted_io_pending(const FlowModel& model);

std::vector<Sample> vm_exits(const FlowModel& model);
std::vector<Sample> vm_exit_seconds(const FlowModel& model);
std::vector<Sample> vm_exit_duration(const FlowModel& model);
std::vector<Sample> exit_duration(const FlowModel& model);
std::vector<Sample> vm_userspace_exits(const FlowModel& model);

std::vector<Sample> halt_poll_success(const FlowModel& model);
std::vector<Sample> halt_poll_fail(const FlowModel& model);
std::vector<Sample> halt_polls(const FlowModel& model);
std::vector<Sample> halt_wakeups(const FlowModel& model);

std::vector<Sample> departed_vms(const FlowModel& model);
std::vector<Sample> departed_seconds(const FlowModel& model);
std::vector<Sample> departed_unaccounted(const FlowModel& model);
std::vector<Sample> departed_exits(const FlowModel& model);

std::vector<Sample> build_info(const FlowModel& model);
std::vector<Sample> collector_success(const FlowModel& model);
std::vector<Sample> collector_duration(const FlowModel& model);
std::vector<Sample> program_attached(const FlowModel& model);
std::vector<Sample> program_runs(const FlowModel& model);
std::vector<Sample> program_timed_runs(const FlowModel& model);
std::vector<Sample> program_seconds(const FlowModel& model);
std::vector<Sample> program_recursion(const FlowModel& model);
std::vector<Sample> map_entries(const FlowModel& model);
std::vector<Sample> map_limits(const FlowModel& model);

std::vector<Sample> events_dropped(const FlowModel& model);
std::vector<Sample> ledger_anomalies(const FlowModel& model);
std::vector<Sample> entries_missing(const FlowModel& model);
std::vector<Sample> exits_folded(const FlowModel& model);
std::vector<Sample> counters_held(const FlowModel& model);
std::vector<Sample> torn_slots(const FlowModel& model);
std::vector<Sample> duplicate_uuids(const FlowModel& model);

std::vector<Sample> process_cpu(const FlowModel& model);
std::vector<Sample> process_resident(const FlowModel& model);
std::vector<Sample> process_virtual(const FlowModel& model);
std::vector<Sample> process_open_fds(const FlowModel& model);
std::vector<Sample> process_max_fds(const FlowModel& model);
std::vector<Sample> process_start_time(const FlowModel& model);

}  // namespace vmflow::samples
