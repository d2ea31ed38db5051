// SPDX-License-Identifier: GPL-2.0-only
// vmflow features: what kind of load VMs are, as a table of numbers.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "agent/analyze/host_folders.h"
#include "agent/analyze/trace_features.h"
#include "agent/cli/command.h"
#include "agent/cli/features_live.h"
#include "agent/cli/features_log.h"
#include "agent/cli/features_prometheus.h"
#include "agent/cli/features_time.h"
#include "agent/cli/output.h"
#include "agent/cli/shared_flags.h"
#include "agent/one_line.h"
#include "exporters/feature_text.h"

namespace vmflow {
namespace {

constexpr const char* kExamples = R"(
Examples:
  vmflow features --window 60 > now.csv                          the VMs of this host, over the next minute
  vmflow features /var/lib/vmflow/snapshots/ID --every 1         a recorded trace, a row for each VM and second
  vmflow features --log flow.json --every 60                     what 'vmflow log --json' has written
  vmflow features --prometheus http://prom:9090 --from 24h --every 3600 --format json
  vmflow features --list                                         all features: name, meaning, PromQL

Times: 2026-01-31T12:00:00Z, Unix seconds, or how long ago (90s, 30m, 24h, 7d). An interval that lies across the border of
two windows of a trace counts in each with its part, a wait where it ends. Live and in Prometheus a wait counts with all
its time where it ends. Empty (null) is not known; what is missing, and why, is said on stderr.
Exit status: 0 done, 1 nothing can be told, 2 the command line is wrong, 3 a part could not be asked for and is missing.
)";

constexpr int kPartly = 3;
constexpr double kLeastWindow = 0.1, kMostWindow = 10'000'000;
constexpr double kLiveSeconds = 10, kTraceSeconds = 1, kPrometheusSeconds = 300;
constexpr uintmax_t kMostLogBytes = uintmax_t{1} << 30;

struct Order {
  AgentAddress agent;
  std::vector<std::string> folders;
  std::string log, prometheus;
  std::string from, to = "now";
  std::optional<double> window, every;
  std::string format = "csv", output;
  bool list = false;
};

double unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

/// As Prometheus calls it: its label instance.
std::string host_of(const std::string& url) {
  return url.substr(url.find("://") + 3);
}

Result<FeatureReading> read_live(const Order& order) {
  HttpAgentClient agent(order.agent);
  const auto before = ask_counters(agent);
  if (!before) return tl::unexpected(before.error());
  std::this_thread::sleep_for(std::chrono::duration<double>(order.window.value_or(kLiveSeconds)));
  const auto now = ask_counters(agent);
  if (!now) return tl::unexpected(now.error());
  return features_between(*before, *now, host_of(order.agent.url), unix_now());
}

Result<FeatureReading> read_traces(const Order& order) {
  const auto hosts = hosts_of(order.folders);
  if (!hosts) return tl::unexpected(hosts.error());
  FeatureReading reading;
  const double every = order.every.value_or(kTraceSeconds);
  for (const auto& host : *hosts) {
    const auto name = one_line(host.name);
    auto features = trace_features(name, host.paths, static_cast<uint64_t>(every * 1e9));
    if (!features) return tl::unexpected(features.error());
    auto& rows = reading.table.rows;
    rows.insert(rows.end(), std::make_move_iterator(features->table.rows.begin()),
                std::make_move_iterator(features->table.rows.end()));
    reading.notes.insert(reading.notes.end(), features->notes.begin(), features->notes.end());
  }
  if (reading.table.rows.empty()) return failure("no VM in the trace");
  return reading;
}

Result<FeatureReading> read_log(const Order& order) {
  std::error_code error;
  const auto size = std::filesystem::file_size(order.log, error);
  if (!error && size > kMostLogBytes)
    return failure(fmt::format("'{}' is larger than 1 GiB: give a part of it", order.log));
  std::ifstream file(order.log, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return failure(fmt::format("cannot read '{}'", order.log));
  return features_of_log(text.view(), host_of(order.agent.url), order.every.value_or(0));
}

/// The time that is asked for. Errors: it is none, or too much.
Result<FeatureRange> range_of(const Order& order) {
  const double now = unix_now();
  const auto to = time_given(order.to, now);
  if (!to) return failure(fmt::format("--to: '{}' is no time", one_line(order.to)));
  FeatureRange range{.to_seconds = *to};
  if (order.from.empty()) {
    range.from_seconds = *to - order.window.value_or(kPrometheusSeconds);
  } else if (const auto from = time_given(order.from, now)) {
    range.from_seconds = *from;
  } else {
    return failure(fmt::format("--from: '{}' is no time", one_line(order.from)));
  }
  range.every_seconds = order.every.value_or(
      order.from.empty() ? range.to_seconds - range.from_seconds
                         : order.window.value_or(range.to_seconds - range.from_seconds));
  if (!(range.every_seconds >= kLeastWindow) || range.windows() == 0)
    return failure("--from and --to: there is no whole window between them");
  if (range.windows() > kMostFeatureRows)
    return failure("--every: there are too many windows between --from and --to");
  return range;
}

Result<FeatureReading> read_prometheus(const Order& order, const FeatureRange& range) {
  auto address = order.agent;
  address.url = order.prometheus;
  address.program = "Prometheus";
  address.flag = "--prometheus";
  address.most_seconds = 40;
  address.most_bytes = size_t{64} << 20;
  HttpAgentClient prometheus(address);
  return features_of_prometheus(prometheus, range);
}

int tell(const Order& order, const Result<FeatureReading>& reading) {
  if (!reading) return fail(reading.error().message);
  for (const auto& note : reading->notes) fail(note);
  const auto text =
      order.format == "json" ? feature_json(reading->table) : feature_csv(reading->table);
  if (const int status = write_out(text, order.output); status != kDone) return status;
  return reading->is_partial ? kPartly : kDone;
}

int run_features(const Order& order) {
  if (order.list) return write_out(feature_list(), order.output);
  if (!order.folders.empty()) return tell(order, read_traces(order));
  if (!order.log.empty()) return tell(order, read_log(order));
  if (order.prometheus.empty()) return tell(order, read_live(order));
  const auto range = range_of(order);
  return range ? tell(order, read_prometheus(order, *range)) : fail(range.error().message, kUsage);
}

/// Empty, or what is wrong with it.
std::string check_url(std::string& text) {
  auto url = checked_url(text);
  if (!url) return url.error().message;
  text = *url;
  return {};
}

}  // namespace

std::function<int()> features_command(CLI::App& app, CLI::App*& chosen) {
  const auto order = std::make_shared<Order>();
  chosen = app.add_subcommand("features", "tell what kind of load VMs are, as a table of numbers");
  chosen->footer(kExamples);
  add_agent_flags(*chosen, order->agent);
  auto* folders =
      chosen->add_option("DIR", order->folders, "a snapshot of vmflow, or a folder with CTF traces")
          ->check(CLI::ExistingDirectory);
  auto* log = chosen->add_option("--log", order->log, "a file that 'vmflow log --json' has written")
                  ->check(CLI::ExistingFile);
  auto* prometheus = chosen
                         ->add_option("--prometheus", order->prometheus,
                                      "URL of a Prometheus that scrapes vmflowd")
                         ->transform(CLI::Validator(check_url, ""));
  folders->excludes(log)->excludes(prometheus);
  log->excludes(prometheus);
  const auto seconds = CLI::Range(kLeastWindow, kMostWindow);
  chosen
      ->add_option(
          "--window", order->window,
          "seconds to look at: of the agent, from now on (10); of Prometheus, the last (300)")
      ->check(seconds);
  chosen
      ->add_option("--every", order->every,
                   "seconds of each row: of a trace (1), of a log (each look), of Prometheus (all)")
      ->check(seconds);
  chosen->add_option("--from", order->from, "where Prometheus' first window begins")
      ->needs(prometheus);
  chosen->add_option("--to", order->to, "where its last one ends (now)")->needs(prometheus);
  chosen->add_option("--format", order->format, "csv or json (csv)")
      ->check(CLI::IsMember({"csv", "json"}));
  chosen->add_option("--output", order->output, "the file to write (stdout)");
  chosen->add_flag("--list", order->list, "print all features, and how each is computed");
  return [order] { return run_features(*order); };
}

}  // namespace vmflow
