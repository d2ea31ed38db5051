// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/trace_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/analyze/trace_recorders.h"
#include "agent/sources/ctf_events.h"
#include "analysis/build_graph.h"
#include "analysis/flow_replay.h"
#include "analysis/replay_report.h"
#include "analysis/report_paths.h"
#include "analysis/thread_flow.h"

namespace vmflow {
namespace {

/// One reading of some traces, stepped through whichever replays want it.
class Pass {
 public:
  explicit Pass(const AnalysisOptions& options) : options_(options) {}

  /// Replays without a beginning of its own: sums over the trace alone.
  FlowReplay* whole = nullptr;
  /// The same from the onset on.
  FlowReplay* onset = nullptr;
  /// Replays from what the kernel side had counted: to be held against it.
  FlowReplay* seeded = nullptr;
  /// What all threads did.
  ThreadFlow* threads = nullptr;
  /// Packets, whenever they were.
  PacketBook* packets = nullptr;
  /// How many events were before the buffers of all CPUs began: only the replay that has a
  /// beginning of its own takes them.
  uint64_t too_early() const { return too_early_; }

  Result<TraceContents> read(const std::vector<std::string>& paths) {
    CtfReadOptions reading;
    // The first time before any event.
    reading.on_progress = [this](const TraceContents& contents) {
      for (const auto& trace : contents.traces)
        whole_from_ns_ = std::max(whole_from_ns_, trace.whole_from_ns);
      return !options_.on_progress || options_.on_progress({.events = contents.events});
    };
    auto contents =
        read_ctf_isolated(paths, reading, [this](const Event& event) { return step(event); });
    // What comes after --to was not wanted.
    if (contents && is_past_end_) contents->interrupted = false;
    return contents;
  }

 private:
  bool step(const Event& event) {
    if (packets != nullptr)
      if (const auto* packet = std::get_if<PacketEvent>(&event.data))
        packets->add(event.ns, *packet, event.tid, event.cpu);
    if (seeded) seeded->step(event);
    if (event.ns < whole_from_ns_) {
      too_early_++;
      return true;
    }
    if (threads) threads->step(event);
    if (first_ns_ == 0) first_ns_ = event.ns;
    const double seconds = static_cast<double>(event.ns - std::min(event.ns, first_ns_)) / 1e9;
    if (options_.from_seconds && seconds < *options_.from_seconds) return true;
    if (options_.to_seconds && seconds > *options_.to_seconds) {
      // Those after the end still count for the cross-check.
      is_past_end_ = !goes_on_past_end();
      return !is_past_end_;
    }
    if (whole) whole->step(event);
    if (onset && event.ns >= options_.onset_ns) onset->step(event);
    return true;
  }

  /// Threads of a second recorder are told of by its own beginning.
  bool goes_on_past_end() const { return seeded != nullptr || whole == nullptr; }

  const AnalysisOptions& options_;
  uint64_t first_ns_ = 0;
  uint64_t whole_from_ns_ = 0;
  uint64_t too_early_ = 0;
  bool is_past_end_ = false;
};

Vendor vendor_of(const AggregateWindow* aggregate) {
  return aggregate ? aggregate->last.host.vendor : Vendor::kNone;
}

ReplayOptions replay_options(const AggregateWindow* aggregate, bool own) {
  ReplayOptions options;
  options.vendor = vendor_of(aggregate);
  options.outs_told = own;
  return options;
}

bool is_wanted(const VmFlow& vm, const std::string& wanted) {
  return vm.label == wanted || vm.name == wanted || std::to_string(vm.pid) == wanted;
}

/// Null if there is none: the names of the VMs alone are kept then.
const AggregateWindow* window_of(const AggregateWindow* aggregate) {
  return aggregate && aggregate->first.now_ns < aggregate->last.now_ns ? aggregate : nullptr;
}

IdentitiesByProcess identities_of(const AggregateWindow* aggregate) {
  IdentitiesByProcess identities;
  if (!aggregate) return identities;
  for (const auto& [key, identity] : aggregate->last.identities)
    identities.emplace(key.tgid, identity);
  return identities;
}

TraceLosses losses_of(const TraceContents& contents) {
  return {.events = discarded_events(contents), .packets = discarded_packets(contents)};
}

constexpr const char* kLttngTimes =
    "LTTng's times: its probes run a moment before or after vmflow's, and their own time lies "
    "between, so only its counts are compared";

void leave_out_times(Crosscheck& check) {
  std::erase_if(check.rows, [](const Agreement& row) { return row.is_time; });
  check.left_out.emplace_back(kLttngTimes);
}

bool tells_anything(const ThreadLives& lives) {
  return std::ranges::any_of(lives.threads,
                             [](const ThreadLife& life) { return !life.stretches.empty(); });
}

/// LTTng beside the ring, the second source: its own count of exits (its times are its own), and
/// what threads did that are no vCPUs, of which the ring does not tell.
Result<void> add_second_source(const Recorders& recorders, const AggregateWindow* aggregate,
                               const AnalysisOptions& options, TraceContents& contents,
                               Crosscheck& check, ThreadLives& lives) {
  FlowReplay seeded(replay_options(aggregate, false));
  ThreadFlow threads;
  Pass pass(options);
  pass.threads = &threads;
  if (aggregate) {
    seeded.seed(aggregate->first, aggregate->last);
    pass.seeded = &seeded;
  }
  auto others = pass.read(recorders.others);
  if (!others) return tl::unexpected(others.error());
  const bool has_same_clock = has_live_clock(contents) && has_live_clock(*others);
  contents.traces.insert(contents.traces.end(), others->traces.begin(), others->traces.end());
  contents.events += others->events;
  contents.interrupted = others->interrupted;
  if (others->interrupted) return {};
  auto told = std::move(threads).finish();
  if (has_same_clock && tells_anything(told)) lives = std::move(told);
  if (!aggregate) return {};
  if (aggregate->lttng_from_ns == 0 || aggregate->lttng_from_ns > aggregate->first.now_ns) {
    check.left_out.push_back(
        "LTTng's count of exits: its buffers do not reach back to where the window begins");
  } else if (has_live_clock(*others)) {
    const auto second = crosscheck(aggregate->first, aggregate->last, std::move(seeded).finish(),
                                   losses_of(*others));
    for (auto row : second.rows) {
      if (row.quantity != "exits") continue;
      row.quantity = "exits_lttng";
      check.rows.push_back(std::move(row));
    }
    check.left_out.emplace_back(kLttngTimes);
  }
  return {};
}

/// LTTng's packets where vmflow's ring has none.
Result<void> add_packets_of_others(const Recorders& recorders, const AnalysisOptions& options,
                                   PacketBook& packets) {
  if (!options.is_one_of_several || recorders.own.empty() || recorders.others.empty() ||
      !packets.packets().empty())
    return {};
  Pass pass(options);
  pass.packets = &packets;
  const auto contents = pass.read(recorders.others);
  if (!contents) return tl::unexpected(contents.error());
  return {};
}

}  // namespace

std::string no_worker_text(const std::string& wanted, const std::string& others) {
  return fmt::format("no worker '{}' in the trace; there are: {}", wanted, others);
}

Result<std::optional<AggregateWindow>> aggregate_beside(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    const auto file = std::filesystem::path(path) / kAggregateFile;
    std::ifstream in(file, std::ios::binary);
    if (!in) continue;
    std::ostringstream bytes;
    bytes << in.rdbuf();
    auto window = parse_aggregate(bytes.str());
    if (!window) return failure(fmt::format("{}: {}", file.string(), window.error().message));
    return std::optional(std::move(*window));
  }
  return std::nullopt;
}

Result<TraceAnalysis> analyze_traces(const std::vector<std::string>& paths,
                                     const AggregateWindow* aggregate,
                                     const AnalysisOptions& options) {
  const auto recorders = find_recorders(paths);
  if (!recorders) return tl::unexpected(recorders.error());
  const bool own = !recorders->own.empty();
  FlowReplay whole(replay_options(aggregate, own)), seeded(replay_options(aggregate, own)),
      onset(replay_options(aggregate, own));
  Pass pass(options);
  ThreadFlow threads({.has_all_switches = !own, .vendor = vendor_of(aggregate)});
  pass.whole = &whole;
  pass.threads = &threads;
  if (options.onset_ns != 0) pass.onset = &onset;
  TraceAnalysis analysis;
  if (options.is_one_of_several) pass.packets = &analysis.joint.packets;
  const auto* window = window_of(aggregate);
  if (window) {
    seeded.seed(window->first, window->last);
    pass.seeded = &seeded;
  }
  auto contents = pass.read(own ? recorders->own : recorders->others);
  if (!contents) return tl::unexpected(contents.error());
  if (auto added = add_packets_of_others(*recorders, options, analysis.joint.packets); !added)
    return tl::unexpected(added.error());

  if (window && has_live_clock(*contents))
    analysis.check =
        crosscheck(window->first, window->last, std::move(seeded).finish(), losses_of(*contents));
  else if (window)
    analysis.check.left_out.push_back("everything: the trace's clock is not CLOCK_MONOTONIC");
  auto lives = std::move(threads).finish();
  if (own && !recorders->others.empty() && !contents->interrupted)
    if (auto added =
            add_second_source(*recorders, window, options, *contents, analysis.check, lives);
        !added)
      return tl::unexpected(added.error());
  if (!own && !analysis.check.rows.empty()) leave_out_times(analysis.check);
  analysis.interrupted = contents->interrupted;
  analysis.events = contents->events;
  const auto replayed = std::move(whole).finish();
  const auto nested = nested_lives(replayed);
  const auto processes = guest_processes(replayed, nested);
  auto report = replay_report(
      replayed, *contents, identities_of(aggregate), processes, nested,
      [&](const VmFlow& vm) { return options.vm.empty() || is_wanted(vm, options.vm); });
  auto graph = build_graph(replayed, processes, lives);
  add_missing_paths(report, replayed, lives, graph);
  if (options.is_one_of_several) {
    analysis.joint.graph = std::move(graph);
  } else {
    if (report.vms.empty() && !options.vm.empty())
      return failure(fmt::format("no VM '{}' in the trace", options.vm));
    if (const auto others = add_paths(report, joined_graph(std::move(graph)), options.path))
      return failure(no_worker_text(options.path, *others));
  }
  if (pass.too_early() > 0)
    report.missing.push_back(
        {fmt::format("what was before: {} events", pass.too_early()),
         "the buffers of some CPUs do not reach back that far, so these are not used"});
  add_crosscheck(report, analysis.check);
  if (options.onset_ns != 0) {
    const auto since = std::move(onset).finish();
    const auto since_nested = nested_lives(since);
    analysis.since_onset =
        judged(replay_report(since, *contents, identities_of(aggregate),
                             guest_processes(since, since_nested), since_nested, {}));
  }
  analysis.report = judged(std::move(report));
  return analysis;
}

}  // namespace vmflow
