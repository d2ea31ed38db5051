// SPDX-License-Identifier: GPL-2.0-only
// What an analysed trace tells, ready to be shown: as text, as JSON, as a page. Values only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/flow_model.h"
#include "analysis/guest_process.h"
#include "analysis/nested_life.h"
#include "analysis/path_report.h"
#include "analysis/shown_name.h"
#include "analysis/verdict.h"

namespace vmflow {

/// One interval of a vCPU in one state. Units: the trace's clock, as in ReportWindow.
/// Shape: `detail` is a place in TraceReport::details; 0: nothing more is known.
struct ReportInterval {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  flow_state state = FLOW_UNKNOWN;
  uint32_t detail = 0;
};

/// A vCPU that another one of its VM has sent an interrupt to. Units: the trace's clock.
struct ReportWake {
  uint64_t ns = 0;
  uint32_t by_vcpu_id = 0;
};

/// Shape: intervals do not overlap, the oldest first; gaps are unknown.
struct ReportVcpu {
  uint32_t vcpu_id = 0;
  uint32_t tid = 0;
  std::vector<ReportInterval> intervals;
  uint64_t left_out = 0;  ///< intervals that were too many to keep
  std::vector<ReportWake> wakes = {};
};

/// Shape: `flow` holds the sums over the window, not since the VM began. A culprit that is a VM of
/// the report has its name in `who`.
struct ReportVm {
  VmFlow flow;
  std::vector<NamedCulprit> culprits;  ///< the worst first
  std::vector<ReportVcpu> vcpus;       ///< by vCPU id
  Verdict verdict;                     ///< see judged()
  /// Absent: the trace has no registers of it.
  std::optional<VmProcesses> processes = std::nullopt;
  /// Absent: it ran no guests.
  std::optional<VmNested> nested = std::nullopt;
  /// How much its processes waited for one another, where these themselves had to go.
  std::optional<GuestContention> contention = std::nullopt;
  /// Of the worker that matters most; absent: it was not asked for, or nothing tells of one.
  std::optional<ReportPath> path = std::nullopt;
  std::string host = {};  ///< it ran on; empty: the only one
};

/// How the clock of another host was put onto the first one's, from packets between `host` and
/// `against`. Units: `offset_ns` and `drift` are against the first host's clock, the offset at the
/// begin of its window. Shape: an absent accuracy is not bounded.
struct ReportHostClock {
  std::string host;
  std::string against;
  std::string quality;  ///< in words
  std::optional<int64_t> offset_ns = std::nullopt;
  double drift = 0;
  std::optional<uint64_t> accuracy_ns = std::nullopt;
  uint64_t packets_there = 0;  ///< from `against` to `host`, used
  uint64_t packets_back = 0;
  uint64_t contradicting = 0;          ///< left out: received before they were sent
  std::vector<NamedCount> outcomes{};  ///< of all packets of both, in words
};

/// Units: nanoseconds of `clock`; `begin_unix_ns` is the same moment on the wall, absent if not
/// told.
struct ReportWindow {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  std::string clock;
  std::optional<uint64_t> begin_unix_ns;
};

/// What is not of a trace. Shape: an empty text or a 0 is not known.
struct ReportHost {
  std::string name;
  std::string kernel;
  std::string cpu;
  uint32_t cpus = 0;
  std::string vmflow_version;
};

/// One trace that was read. Shape: a loss is absent if the trace does not tell.
struct ReportSource {
  std::string path;
  std::string recorder;  ///< who wrote it: "lttng 2.13", "vmflow ring"
  std::string clock;
  uint64_t events = 0;
  std::optional<uint64_t> lost_events;
  std::optional<uint64_t> lost_packets;
};

/// A result that the sources do not allow, or not wholly, and why, in words.
struct MissingResult {
  std::string result;
  std::string why;
};

/// One quantity, counted live and replayed from the trace.
struct CrosscheckRow {
  std::string quantity;
  std::string unit;  ///< "s", or empty for counts
  double aggregate = 0;
  double replay = 0;
  double disagreement_ratio = 0;
  double allowed_ratio = 0;
};

/// A moment worth a mark in the timeline: the trigger, the onset.
struct ReportMark {
  uint64_t ns = 0;
  std::string text;
};

/// Who asked for the trace, and with which numbers; empty without a trigger.
struct ReportTrigger {
  std::string name;
  std::string vm;    ///< label
  std::string text;  ///< a sentence with the numbers
};

struct TraceReport {
  std::string title;
  std::string finding;  ///< one sentence; see judged()
  std::vector<std::string> findings;
  ReportTrigger trigger;
  ReportWindow window;
  ReportHost host;
  std::vector<ReportSource> sources;
  std::vector<MissingResult> missing;
  std::vector<ReportMark> marks;
  std::vector<ReportVm> vms;
  std::optional<ReportPath> path = std::nullopt;  ///< of the worker that was asked for
  std::vector<std::string> details{""};           ///< see ReportInterval
  std::vector<CrosscheckRow> crosscheck;
  std::vector<std::string> crosscheck_left_out;  ///< by declaration, in words
  std::vector<NamedCount> anomalies;             ///< those that occurred
  bool tells_irq = false;
  VmNames names = {};  ///< of all VMs of the trace, those that are left out too
  std::vector<ReportHostClock> host_clocks{};  ///< of a report of several hosts: all but the first
};

/// Keeps each detail text once. Shape: of more than kMostDetails the later ones become one text
/// that says so.
class DetailTable {
 public:
  static constexpr uint32_t kMostDetails = 65536;

  /// The place of a text; 0 for the empty one.
  uint32_t place(std::string_view text);
  std::vector<std::string> take() && { return std::move(texts_); }

 private:
  std::map<std::string, uint32_t, std::less<>> places_;
  std::vector<std::string> texts_{""};
};

/// The VMs of a model that was built over the window alone; vCPUs come without intervals.
std::vector<ReportVm> report_vms(const FlowModel& model);

/// The report with a verdict for every VM, the VMs in the order of what was lost, the worst first,
/// and with a finding if it has none: about the trigger's VM, or else the worst one.
TraceReport judged(TraceReport report);

}  // namespace vmflow
