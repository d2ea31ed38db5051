// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/path_sentence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/amount_text.h"

namespace vmflow {
namespace {

/// What a worker of another kind than the path's own does is its VM's doing.
class Sentence {
 public:
  explicit Sentence(const ReportPath& report) : report_(report), whole_(length(report.path)) {
    std::map<std::string, uint64_t> sums;
    for (const auto& part : report.path.parts) {
      if (is_own_work(part))
        own_ns_ += part.ns;
      else
        sums[phrase(part)] += part.ns;
    }
    for (const auto& [text, ns] : sums)
      if (ns > most_ns_) {
        most_ = text;
        most_ns_ = ns;
      }
  }

  std::string text() const {
    if (whole_ == 0 || report_.workers.empty()) return "Nothing is known of it.";
    const auto& subject = report_.workers.front().name;
    const auto of_time = fmt::format("of the {}", time_text(whole_));
    const auto share = [&](uint64_t ns) { return share_text(ns, whole_); };
    if (most_ns_ == 0)
      return fmt::format("{} runs {} {} itself.", subject, share(own_ns_), of_time);
    if (own_ns_ >= most_ns_)
      return fmt::format("{} runs {} {} itself, {} {} {}.", subject, share(own_ns_), of_time,
                         verb(most_), share(most_ns_), rest(most_));
    const auto runs = own_ns_ == 0 ? "" : fmt::format(", runs {} itself", share(own_ns_));
    return fmt::format("{} {} {} {} {}{}.", subject, verb(most_), share(most_ns_), of_time,
                       rest(most_), runs);
  }

 private:
  static uint64_t length(const CriticalPath& path) { return path.end_ns - path.begin_ns; }
  bool is_own_work(const PathPart& part) const {
    return part.worker == report_.path.worker && part.doing == Doing::kRunning;
  }
  const ReportWorker& worker(const PathPart& part) const { return report_.workers[part.worker]; }

  /// Whose it is: "its own", or "server's".
  std::string whose(const PathPart& part) const {
    const auto &own = report_.workers.front(), &other = worker(part);
    if (part.worker == report_.path.worker || (!other.vm_name.empty() && other.vm == own.vm))
      return "its own";
    return (other.vm_name.empty() ? other.name : other.vm_name) + "'s";
  }

  /// The first word is the verb.
  std::string phrase(const PathPart& part) const {
    const bool is_itself = part.worker == report_.path.worker;
    const auto& who = worker(part).name;
    switch (part.doing) {
      case Doing::kRunning:
        return "waits while " + who + " runs";
      case Doing::kReady:
        return ready_phrase(part, is_itself ? "" : who);
      case Doing::kThrottled:
        return is_itself ? "waits for its quota" : "waits for the quota of " + who;
      case Doing::kTimer:
        return is_itself ? "sleeps until its timer" : "waits for the timer of " + who;
      case Doing::kDisk:
        return "waits for " + whose(part) + " disk";
      case Doing::kNet:
        return is_itself ? "waits for the network" : "waits for " + whose(part) + " network";
      case Doing::kTask:
        return is_itself ? "waits for other tasks" : "waits for what " + who + " waits for";
      case Doing::kMemory:
        return "waits for " + whose(part) + " memory";
      case Doing::kVmm:
        return "waits for " + whose(part) + " VMM";
      case Doing::kOther:
        return "waits for " + whose(part) + " device";
      case Doing::kUnknown:
        break;
    }
    return is_itself ? "spends on what nothing tells" : "waits for what nothing tells of " + who;
  }

  std::string ready_phrase(const PathPart& part, const std::string& who) const {
    const auto cpu = who.empty() ? std::string("waits for a CPU")
                                 : "waits for " + who + ", which waits for a CPU";
    return part.by < report_.workers.size() ? cpu + " behind " + report_.workers[part.by].name
                                            : cpu;
  }

  static std::string verb(const std::string& phrase) { return phrase.substr(0, phrase.find(' ')); }
  static std::string rest(const std::string& phrase) { return phrase.substr(phrase.find(' ') + 1); }

  const ReportPath& report_;
  const uint64_t whole_;
  uint64_t own_ns_ = 0, most_ns_ = 0;
  std::string most_;
};

}  // namespace

std::string path_sentence(const ReportPath& path) {
  return Sentence(path).text();
}

}  // namespace vmflow
