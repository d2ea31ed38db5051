// SPDX-License-Identifier: GPL-2.0-only
// vmflow analyze: from recorded traces to a report.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>

#include "agent/analyze/host_analysis.h"
#include "agent/analyze/host_folders.h"
#include "agent/analyze/trace_analysis.h"
#include "agent/cli/command.h"
#include "agent/cli/output.h"
#include "agent/version.h"
#include "exporters/html_report.h"
#include "exporters/perfetto_json.h"
#include "exporters/report_json.h"
#include "exporters/text_report.h"

namespace vmflow {
namespace {

constexpr const char* kExamples = R"(
Examples:
  vmflow analyze /var/lib/vmflow/snapshots/ID                    why, in words and tables
  vmflow analyze DIR --format html --output report.html          one page with a timeline
  vmflow analyze DIR --format perfetto --output trace.json       for ui.perfetto.dev: vCPUs, guest processes, arrows
  vmflow analyze HOST_A HOST_B                                   several hosts: on one clock, by the packets between them
  vmflow analyze DIR --vm web-1 --from 2 --to 4.5                one VM, a part of the time
  vmflow analyze DIR --path web-1/vcpu0                          what one vCPU's time was spent on, over other VMs too
  vmflow analyze ~/lttng-traces/mine --format json               a trace that vmflow did not record

A folder may hold any CTF trace of the kernel with KVM's and the scheduler's events, as LTTng writes them. What a trace
lacks, and what cannot be told without it, is said in the report. Ctrl-C ends with what has been read so far.
Exit status: 0 done, 1 it cannot be read, 2 the command line is wrong, 3 the trace and what was counted live disagree.
)";

constexpr int kDisagrees = 3;

std::sig_atomic_t volatile interrupted = 0;

struct Order {
  std::vector<std::string> paths;
  std::string format = "text";
  std::string output;
  AnalysisOptions options;
  double from = 0, to = 0;
};

/// One line that is written again and again, on a terminal only.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }
  void show(uint64_t events) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_terminal_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(200);
    shown_ = true;
    fmt::print(stderr, "\r\x1b[K{} events read (Ctrl-C: report what there is)", events);
    std::fflush(stderr);
  }

 private:
  const bool is_terminal_ = isatty(STDERR_FILENO) == 1;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_{};
};

std::string in_format(const TraceReport& report, const std::string& format) {
  if (format == "html") return html_report(report);
  if (format == "perfetto") return perfetto_json(report);
  if (format == "json") return report_json(report, {.intervals = true}) + "\n";
  return text_report(report);
}

/// What one step of the analysis gives back the next one takes: that is cheaper than to have the
/// kernel clear new pages again and again.
void keep_memory() {
  constexpr int kMib = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, 32 * kMib);  // the most that there can be
  mallopt(M_TRIM_THRESHOLD, 1024 * kMib);
  mallopt(M_TOP_PAD, 16 * kMib);
}

bool disagrees(const TraceReport& report) {
  for (const auto& row : report.crosscheck)
    if (!(row.disagreement_ratio <= row.allowed_ratio)) return true;
  return false;
}

int analyze(const Order& order) {
  const auto hosts = hosts_of(order.paths);
  if (!hosts) return fail(hosts.error().message);
  std::signal(SIGINT, [](int) { interrupted = 1; });
  keep_memory();
  auto analysis = [&] {
    ProgressLine line;
    auto options = order.options;
    options.on_progress = [&](const AnalysisProgress& progress) {
      line.show(progress.events);
      return interrupted == 0;
    };
    return analyze_hosts(*hosts, options);
  }();
  if (!analysis) return fail(analysis.error().message);
  auto& report = analysis->report;
  report.host.vmflow_version = kVersion;
  if (analysis->interrupted)
    report.missing.push_back({"what comes after", "the reading was interrupted"});
  if (const int status = write_out(in_format(report, order.format), order.output); status != kDone)
    return status;
  return disagrees(report) ? kDisagrees : kDone;
}

}  // namespace

std::function<int()> analyze_command(CLI::App& app, CLI::App*& chosen) {
  chosen = app.add_subcommand("analyze", "tell from recorded traces why VMs were slow");
  chosen->footer(kExamples);
  auto order = std::make_shared<Order>();
  chosen->add_option("DIR", order->paths, "a snapshot of vmflow, or a folder with CTF traces")
      ->required()
      ->check(CLI::ExistingDirectory);
  chosen->add_option("--vm", order->options.vm, "only this VM: its label, name or process");
  chosen->add_option(
      "--path", order->options.path,
      "the critical path of this worker too: VM/vcpu0, VM/cr3:1a2b3000, or a thread");
  auto* from = chosen->add_option("--from", order->from, "seconds from the first event on");
  auto* to = chosen->add_option("--to", order->to, "until that many seconds after the first event");
  chosen->add_option("--format", order->format, "text, json, html or perfetto (text)")
      ->check(CLI::IsMember({"text", "json", "html", "perfetto"}));
  chosen->add_option("--output", order->output, "the file to write (stdout)");
  return [order, from, to] {
    if (from->count() > 0) order->options.from_seconds = order->from;
    if (to->count() > 0) order->options.to_seconds = order->to;
    return analyze(*order);
  };
}

}  // namespace vmflow
