// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/anomaly.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace vmflow {
namespace {

// Of a normal distribution, the standard deviation is so many MADs.
constexpr double kDeviationsPerMad = 1.4826;

double seconds_between(uint64_t from_ns, uint64_t to_ns) {
  return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) / 1e9 : 0;
}

size_t place_of(const Metric& metric, std::string_view label) {
  return static_cast<size_t>(std::ranges::find(metric.labels, label) - metric.labels.begin());
}

/// Finds VMs by label: samples come VM by VM, so it is mostly the last one.
class VmIndex {
 public:
  explicit VmIndex(const FlowModel& model) {
    for (const auto& vm : model.vms) labels_.emplace_back(vm.label);
  }
  std::optional<size_t> of(std::string_view label) {
    if (last_ < labels_.size() && labels_[last_] == label) return last_;
    // The model's VMs are sorted by label.
    const auto found = std::ranges::lower_bound(labels_, label);
    if (found == labels_.end() || *found != label) return std::nullopt;
    return last_ = static_cast<size_t>(found - labels_.begin());
  }

 private:
  std::vector<std::string_view> labels_;
  size_t last_ = 0;
};

std::string unit_of(const Rule& rule) {
  const bool is_time = rule.metric.find("_seconds") != std::string::npos;
  if (rule.reading == RuleReading::kRate) return is_time ? " s/s" : "/s";
  return is_time ? " s" : "";
}

std::string sentence_of(const Rule& rule, const Finding& finding) {
  const auto unit = unit_of(rule);
  auto usual = finding.usual ? fmt::format("; {:.3g} is usual for it", finding.usual->median) : "";
  return fmt::format("{} {}: {:.3g}{} for {:.1f} s, {:.3g} is the limit{}.",
                     finding.name.empty() ? finding.vm : finding.name, rule.what, finding.value,
                     unit, seconds_between(finding.since_ns, finding.now_ns), finding.threshold,
                     usual);
}

}  // namespace

AnomalyWatch::AnomalyWatch(std::vector<Rule> rules) {
  for (auto& rule : rules) {
    const auto* metric = metric_of(rule);
    if (!rule.on || metric == nullptr) continue;
    Prepared prepared{
        .rule = {}, .metric = metric, .vm_position = place_of(*metric, "vm"), .matches = {}};
    for (auto& match : rule.labels)
      prepared.matches.emplace_back(place_of(*metric, match.label), match.values);
    counts_.push_back({.rule = rule.name});
    prepared.rule = std::move(rule);
    rules_.push_back(std::move(prepared));
  }
}

std::vector<AnomalyWatch::Readings> AnomalyWatch::read(const FlowModel& model) const {
  std::vector<Readings> readings(rules_.size(), Readings(model.vms.size()));
  std::map<const Metric*, std::vector<size_t>> rules_on;
  for (size_t i = 0; i < rules_.size(); i++) rules_on[rules_[i].metric].push_back(i);
  const auto matches = [](const Prepared& prepared, std::span<const LabelValue> labels) {
    return std::ranges::all_of(prepared.matches, [&](const auto& match) {
      return std::ranges::find(match.second, labels[match.first].text()) != match.second.end();
    });
  };
  VmIndex index(model);
  // Each metric is read once, however many rules there are on it.
  for (const auto& [metric, of_metric] : rules_on)
    for_each_sample(*metric, model,
                    [&, &rules = of_metric](std::span<const LabelValue> labels, double value) {
                      const auto vm = index.of(labels[rules_[rules.front()].vm_position].text());
                      if (!vm) return;
                      for (const auto rule : rules)
                        if (matches(rules_[rule], labels))
                          readings[rule][*vm] = readings[rule][*vm].value_or(0) + value;
                    });
  return readings;
}

std::vector<Finding> AnomalyWatch::look(const FlowModel& model, uint64_t now_ns) {
  std::vector<Finding> findings;
  if (rules_.empty() || (look_ != 0 && now_ns <= last_look_ns_)) return findings;
  last_look_ns_ = now_ns;
  look_++;
  const auto readings = read(model);
  for (size_t i = 0; i < model.vms.size(); i++) {
    auto& tracked = vms_[model.vms[i].label];
    tracked.by_rule.resize(rules_.size());
    tracked.look = look_;
    for (size_t rule = 0; rule < rules_.size(); rule++) {
      auto& track = tracked.by_rule[rule];
      const auto& reading = readings[rule][i];
      // Absent is not zero: what comes back starts again.
      if (!reading) {
        if (track.last) track = {};
        continue;
      }
      auto finding = judge(rule, track, *reading, now_ns);
      if (!finding) continue;
      finding->vm = model.vms[i].label;
      finding->name = model.vms[i].name;
      finding->sentence = sentence_of(rules_[rule].rule, *finding);
      findings.push_back(std::move(*finding));
    }
  }
  std::erase_if(vms_, [this](const auto& vm) { return vm.second.look != look_; });
  return findings;
}

std::optional<Finding> AnomalyWatch::judge(size_t place, Track& track, double reading,
                                           uint64_t now_ns) {
  const auto& rule = rules_[place].rule;
  const bool is_rate = rule.reading == RuleReading::kRate;
  if (is_rate && track.last && reading < *track.last) track = {};  // the counter has restarted
  if (!track.last && is_rate) {
    track.last = reading;
    track.last_ns = now_ns;
    return std::nullopt;
  }
  counts_[place].evaluations++;
  const double value =
      is_rate ? (reading - *track.last) / seconds_between(track.last_ns, now_ns) : reading;
  std::optional<Finding> finding;
  if (const auto judged = measure(rule, track, value);
      judged && step(rule, track, *judged, now_ns)) {
    finding = describe(rule, track, *judged, reading, now_ns);
    counts_[place].findings++;
  }
  if (rule.test == RuleTest::kDeviation) track.baseline.add(value, now_ns, rule.span);
  track.last = reading;
  track.last_ns = now_ns;
  return finding;
}

/// What the value is held against; nullopt as long as nothing is usual.
std::optional<AnomalyWatch::Judged> AnomalyWatch::measure(const Rule& rule, Track& track,
                                                          double value) {
  if (rule.test == RuleTest::kAbove)
    return Judged{value, rule.threshold, rule.threshold * rule.release};
  if (!track.baseline.is_warm(rule.span)) return std::nullopt;
  const bool pending = track.since_ns && !track.raised;
  // No limit lies below the floor: most values need no more than that.
  if (!pending && !track.raised && value <= rule.threshold)
    return Judged{value, rule.threshold, rule.threshold};
  // What is just beginning is not usual yet.
  const auto usual = pending ? track.before : track.baseline.usual();
  const double above = std::max(rule.threshold, rule.mads * kDeviationsPerMad * usual.mad);
  return Judged{value, usual.median + above, usual.median + rule.release * above};
}

/// Moves the track on; true when the rule has now been broken for long enough.
bool AnomalyWatch::step(const Rule& rule, Track& track, const Judged& judged, uint64_t now_ns) {
  const bool broken = judged.value > judged.threshold;
  // A rate is that of the time since the last look, a value is that of now.
  const auto began_ns = rule.reading == RuleReading::kRate ? track.last_ns : now_ns;
  if (track.raised) {
    if (broken || judged.value > judged.release) {
      track.calm_since_ns.reset();
      return false;
    }
    if (!track.calm_since_ns) track.calm_since_ns = began_ns;
    if (seconds_between(*track.calm_since_ns, now_ns) < rule.for_seconds) return false;
    track.raised = false;
    track.since_ns.reset();
    track.calm_since_ns.reset();
    return false;
  }
  if (!broken) {
    track.since_ns.reset();
    return false;
  }
  if (!track.since_ns) {
    track.since_ns = began_ns;
    track.since_value = track.last.value_or(0);
    if (rule.test == RuleTest::kDeviation) track.before = track.baseline.usual();
  }
  track.raised = seconds_between(*track.since_ns, now_ns) >= rule.for_seconds;
  return track.raised;
}

Finding AnomalyWatch::describe(const Rule& rule, const Track& track, const Judged& judged,
                               double reading, uint64_t now_ns) {
  Finding finding;
  finding.rule = rule.name;
  finding.metric = selector_text(rule);
  finding.is_rate = rule.reading == RuleReading::kRate;
  const double lasted = seconds_between(*track.since_ns, now_ns);
  finding.value = finding.is_rate ? (reading - track.since_value) / lasted : judged.value;
  finding.threshold = judged.threshold;
  if (rule.test == RuleTest::kDeviation) finding.usual = track.before;
  finding.for_seconds = rule.for_seconds;
  finding.since_ns = *track.since_ns;
  finding.now_ns = now_ns;
  return finding;
}

size_t AnomalyWatch::remembered() const {
  return vms_.size() * rules_.size();
}

}  // namespace vmflow
