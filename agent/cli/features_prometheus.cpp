// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/features_prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "agent/cli/prometheus_client.h"
#include "analysis/metric_catalog.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

// Prometheus answers with at most 11,000 points a series; fewer make its answers small.
constexpr uint64_t kWindowsOfAQuery = 500;
constexpr size_t kMostWarnings = 10;

/// What is asked in one query: all counters of one metric.
struct Question {
  std::string_view metric;
  std::string_view label;
  bool is_gauge = false;
  std::vector<size_t> counters;
};

std::vector<Question> questions() {
  std::vector<Question> all;
  const auto counters = feature_counters();
  for (size_t i = 0; i < counters.size(); i++) {
    auto same = std::ranges::find(all, counters[i].metric, &Question::metric);
    if (same == all.end()) same = all.insert(all.end(), {counters[i].metric, "", false, {}});
    if (!counters[i].label.empty()) same->label = counters[i].label;
    same->is_gauge = counters[i].kind == FeatureCounterKind::kGauge;
    same->counters.push_back(i);
  }
  return all;
}

std::string promql(const Question& question, double every_seconds) {
  const auto by =
      question.label.empty() ? "instance, vm" : fmt::format("instance, vm, {}", question.label);
  return fmt::format("{} by ({}) ({}({}[{}ms]))", question.is_gauge ? "max" : "sum", by,
                     question.is_gauge ? "avg_over_time" : "increase", question.metric,
                     std::llround(every_seconds * 1000));
}

/// A VM of a host in a window.
using RowKey = std::tuple<std::string, std::string, uint64_t>;

std::string label_of(const PrometheusSeries& series, std::string_view name) {
  const auto found = series.labels.find(std::string(name));
  return found == series.labels.end() ? "" : sanitise(found->second);
}

bool counts_for(const FeatureCounter& counter, const std::string& value) {
  return counter.label.empty() || std::ranges::find(counter.values, value) != counter.values.end();
}

class PrometheusReader {
 public:
  PrometheusReader(AgentClient& prometheus, const FeatureRange& range)
      : prometheus_(prometheus), range_(range) {}

  Result<FeatureReading> read() {
    for (const auto& question : questions()) {
      auto asked = ask(question);
      if (!asked) return tl::unexpected(asked.error());
      // Without it there is no VM at all: nothing else needs to be asked.
      if (question.counters.front() == 0 && sums_.empty())
        return failure(
            "no VM in this time: there are no vmflow_vm_vcpu_seconds_total that have increased; "
            "does this Prometheus scrape vmflowd, and did it then, twice in each window?");
    }
    if (!is_down_) ask_names();
    return finish();
  }

 private:
  using Answer = tl::expected<PrometheusAnswer, PrometheusError>;

  /// Calls `take(answer)` for each part of the time. False: one has failed, `error` says why.
  template <typename Take>
  bool ask_all(const std::string& query, PrometheusError& error, Take take) {
    const uint64_t windows = range_.windows();
    for (uint64_t first = 0; first < windows; first += kWindowsOfAQuery) {
      const uint64_t last = std::min(first + kWindowsOfAQuery, windows) - 1;
      const auto answer =
          query_range(prometheus_, query, {end_of(first), end_of(last), range_.every_seconds});
      if (!answer) {
        error = answer.error();
        return false;
      }
      for (const auto& warning : answer->warnings)
        if (warnings_.size() < kMostWarnings) warnings_.insert(warning);
      take(*answer);
    }
    return true;
  }

  /// Errors: it cannot go on: nothing is known without this one, or there is too much.
  Result<void> ask(const Question& question) {
    const bool is_first = question.counters.front() == 0;
    bool is_there = false;
    PrometheusError error;
    const bool is_answered = !is_down_ && ask_all(promql(question, range_.every_seconds), error,
                                                  [&](const auto& answer) {
                                                    for (const auto& series : answer.series)
                                                      is_there |= add(question, series, is_first);
                                                  });
    if (sums_.size() > kMostFeatureRows)
      return failure(fmt::format("more than {} rows: ask for a shorter time or a longer --every",
                                 kMostFeatureRows));
    if (!is_answered && is_first) return failure(error.message);
    if (!is_answered)
      fail(question, error);
    else if (!is_there)
      missing_.push_back(question.metric);
    return {};
  }

  void fail(const Question& question, const PrometheusError& error) {
    if (!is_down_)
      notes_.push_back(fmt::format("{}: {}; what is computed from it is not known", question.metric,
                                   error.message));
    is_partial_ = true;
    if (error.is_down && !is_down_) {
      notes_.emplace_back("nothing else was asked: the other features are not known");
      is_down_ = true;
    }
  }

  /// Is there something of a VM in it?
  bool add(const Question& question, const PrometheusSeries& series, bool makes_rows) {
    const auto host = label_of(series, "instance"), vm = label_of(series, "vm");
    const auto value = question.label.empty() ? "" : label_of(series, question.label);
    bool is_there = false;
    for (const auto& [seconds, number] : series.points) {
      const auto window = window_at(seconds);
      if (vm.empty() || !window || number < 0) continue;
      const RowKey key{host, vm, *window};
      auto row = sums_.find(key);
      if (row == sums_.end()) {
        if (!makes_rows || sums_.size() > kMostFeatureRows) continue;
        row = sums_.emplace(key, no_feature_sums()).first;
      }
      is_there = true;
      add_to(row->second, question, value, number);
    }
    return is_there;
  }

  static void add_to(FeatureSums& sums, const Question& question, const std::string& value,
                     double number) {
    const auto counters = feature_counters();
    for (const auto place : question.counters) {
      const auto& counter = counters[place];
      auto& sum = sums.of[place];
      // The VM is in this metric: what it does not tell has not happened.
      if (std::isnan(sum) && !counter.is_unknown_if_absent) sum = 0;
      if (!counts_for(counter, value)) continue;
      const double in_unit = counter.kind == FeatureCounterKind::kTime ? number * 1e9 : number;
      sum = (std::isnan(sum) ? 0 : sum) + in_unit;
    }
  }

  void ask_names() {
    PrometheusError error;
    const auto query =
        fmt::format("max by (instance, vm, name) (last_over_time(vmflow_vm_info[{}ms]))",
                    std::llround(range_.every_seconds * 1000));
    const bool is_answered = ask_all(query, error, [&](const auto& answer) {
      for (const auto& series : answer.series)
        for (const auto& point : series.points)
          if (const auto window = window_at(point.first)) {
            const RowKey key{label_of(series, "instance"), label_of(series, "vm"), *window};
            if (sums_.contains(key)) names_[key] = label_of(series, "name");
          }
    });
    if (is_answered) return;
    is_partial_ = true;
    notes_.push_back(fmt::format("vmflow_vm_info: {}; VMs have no names", error.message));
  }

  Result<FeatureReading> finish() {
    FeatureReading reading;
    for (auto& [key, sums] : sums_) {
      const auto& [host, vm, window] = key;
      sums.wall_ns = range_.every_seconds * 1e9;
      // It is part of the time, and nearly always 0: shares are told without it, too.
      auto& unaccounted = sums.of[FLOW_UNKNOWN];
      const bool is_untold = std::isnan(unaccounted);
      if (is_untold) unaccounted = 0;
      if (!complete_feature_sums(sums)) continue;
      if (is_untold) unaccounted = std::numeric_limits<double>::quiet_NaN();
      const auto name = names_.find(key);
      reading.table.rows.push_back({.host = host,
                                    .vm = vm,
                                    .name = name == names_.end() ? "" : name->second,
                                    .begin_seconds = end_of(window) - range_.every_seconds,
                                    .end_seconds = end_of(window),
                                    .values = feature_values(sums)});
    }
    if (reading.table.rows.empty())
      return failure("no VM in this time: no vCPU time of any went by");
    reading.notes = std::move(notes_);
    if (!missing_.empty()) reading.notes.push_back(missing_text());
    for (const auto& warning : warnings_) reading.notes.push_back("Prometheus warns: " + warning);
    reading.is_partial = is_partial_;
    return reading;
  }

  std::string missing_text() const {
    std::string text;
    for (const auto metric : missing_) {
      text += fmt::format("{}{}", text.empty() ? "" : ", ", metric);
      std::string_view name = metric;
      if (name.ends_with("_count")) name.remove_suffix(6);
      const auto catalog = metric_catalog();
      const auto found = std::ranges::find(catalog, name, &Metric::name);
      if (found != catalog.end() && !detail_flag(found->detail).empty())
        text += fmt::format(" (vmflowd {})", detail_flag(found->detail));
    }
    return fmt::format("not there in this time: {}; what is computed from it is not known", text);
  }

  double end_of(uint64_t window) const {
    return range_.from_seconds + static_cast<double>(window + 1) * range_.every_seconds;
  }
  std::optional<uint64_t> window_at(double end_seconds) const {
    const double window =
        std::round((end_seconds - range_.from_seconds) / range_.every_seconds) - 1;
    if (!(window >= 0 && window < static_cast<double>(range_.windows()))) return std::nullopt;
    return static_cast<uint64_t>(window);
  }

  AgentClient& prometheus_;
  FeatureRange range_;
  std::map<RowKey, FeatureSums> sums_;
  std::map<RowKey, std::string> names_;
  std::vector<std::string_view> missing_;
  std::vector<std::string> notes_;
  std::set<std::string> warnings_;
  bool is_partial_ = false;
  bool is_down_ = false;
};

}  // namespace

uint64_t FeatureRange::windows() const {
  // A window more or less must not hang on how numbers are rounded.
  const double windows = std::floor((to_seconds - from_seconds) / every_seconds + 1e-6);
  return windows >= 1 ? static_cast<uint64_t>(std::min(windows, 1e9)) : 0;
}

Result<FeatureReading> features_of_prometheus(AgentClient& prometheus, const FeatureRange& range) {
  return PrometheusReader(prometheus, range).read();
}

}  // namespace vmflow
