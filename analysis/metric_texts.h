// SPDX-License-Identifier: GPL-2.0-only
// What the rows of the catalog say again and again, and the parts that it is put together from.
#pragma once

#include <string_view>
#include <vector>

#include "analysis/metric_catalog.h"

namespace vmflow {

inline constexpr auto kCounter = MetricKind::kCounter;
inline constexpr auto kGauge = MetricKind::kGauge;
inline constexpr auto kHistogram = MetricKind::kHistogram;

inline constexpr std::string_view kMono =
    "CLOCK_MONOTONIC, read by the kernel programs at each event";
inline constexpr std::string_view kWall = "CLOCK_REALTIME";
inline constexpr std::string_view kEvents = "counted in the kernel, one by one";
inline constexpr std::string_view kAgent = "counted by the agent";
inline constexpr std::string_view kNow = "state at the scrape";
inline constexpr std::string_view kExact = "none";
inline constexpr std::string_view kThreads = "the scheduler's own, from schedstat";
inline constexpr std::string_view kThreadsBlind =
    "absent for roles that no thread has; what a thread used after the last look before its end is "
    "not there; roles need QEMU's "
    "debug-threads=on, else threads but the main one are other; of several VMs in a process the "
    "first has them all";
inline constexpr std::string_view kDiskBlind =
    "absent until the host sees a request of that kind: not from the page cache, vhost-user or "
    "passthrough; one "
    "that the VMM holds back itself is not in flight; of several VMs in a process the first has "
    "them all";
inline constexpr std::string_view kSvmGuest =
    "on AMD before the kernel moved kvm_exit into the vendor's run loop, host interrupts taken at "
    "an "
    "exit count as guest; time before a halt is reported when the halt is over";

// The parts of the catalog, each in its own file: a row and how it is read stand together.
std::vector<Metric> identity_metrics();
std::vector<Metric> ledger_metrics();
std::vector<Metric> wait_metrics();
std::vector<Metric> slowdown_metrics();
std::vector<Metric> use_metrics();
std::vector<Metric> io_metrics();
std::vector<Metric> net_metrics();
std::vector<Metric> exit_metrics();
std::vector<Metric> nested_metrics();
std::vector<Metric> trace_metrics();
std::vector<Metric> libvirt_metrics();
std::vector<Metric> agent_metrics();
std::vector<Metric> overhead_metrics();
std::vector<Metric> web_metrics();
std::vector<Metric> page_metrics();

}  // namespace vmflow
