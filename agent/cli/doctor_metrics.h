// SPDX-License-Identifier: GPL-2.0-only
// What vmflow doctor reads of an agent's page.
#pragma once

#include <array>
#include <string_view>

namespace vmflow {

inline constexpr std::string_view kBuildInfo = "vmflow_build_info";
inline constexpr std::string_view kVms = "vmflow_vms";
inline constexpr std::string_view kEntriesMissing = "vmflow_kvm_entries_missing";
inline constexpr std::string_view kCollectorSuccess = "vmflow_scrape_collector_success";
inline constexpr std::string_view kBackendAvailable = "vmflow_trace_backend_available";
inline constexpr std::string_view kDetailGivenUp = "vmflow_detail_given_up";
inline constexpr std::string_view kEventsDropped = "vmflow_events_dropped_total";
inline constexpr std::string_view kAnomalies = "vmflow_ledger_anomalies_total";

/// All of them, rows of the catalog; the other lines of the page are not kept.
inline constexpr std::array kDoctorMetrics = {
    kBuildInfo,        kVms,           kEntriesMissing, kCollectorSuccess,
    kBackendAvailable, kDetailGivenUp, kEventsDropped,  kAnomalies};

}  // namespace vmflow
