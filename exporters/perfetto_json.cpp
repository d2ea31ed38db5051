// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/perfetto_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "analysis/event.h"
#include "analysis/flow_names.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

// Above all threads that a kernel gives.
constexpr uint64_t kFirstOwnTrack = kMostThreads + 1;

class Writer {
 public:
  explicit Writer(const TraceReport& report) : report_(report), begin_ns_(earliest_ns(report)) {}

  uint64_t begin_ns() const { return begin_ns_; }

  Json events() {
    // Arrows go from one VM to another: first where each vCPU is drawn.
    for (size_t i = 0; i < report_.vms.size(); i++)
      for (const auto& vcpu : report_.vms[i].vcpus) tracks_[&vcpu] = {i + 1, track_of(vcpu)};
    for (const auto& vm : report_.vms) add_vm(vm);
    if (report_.path) {
      pid_++;
      name("process_name", 0, {{"name", "critical path of " + name_of(*report_.path, 0)}});
      name("process_sort_index", 0, {{"sort_index", 0}});
      add_path(*report_.path);
    }
    // Perfetto binds an end of an arrow to the slice that is open when it reads it, in the order of
    // time and then of the file: a slice that begins with it must come first.
    for (auto& arrow : arrows_) events_.push_back(std::move(arrow));
    return std::move(events_);
  }

 private:
  struct Track {
    uint64_t pid = 0;
    uint64_t tid = 0;
  };

  /// No time may be negative, and a trace out of order has some before its window.
  static uint64_t earliest_ns(const TraceReport& report) {
    uint64_t ns = report.window.begin_ns;
    const auto take = [&](const auto& drawn) {
      for (const auto& each : drawn) ns = std::min(ns, each.begin_ns);
    };
    for (const auto& vm : report.vms) {
      for (const auto& vcpu : vm.vcpus) take(vcpu.intervals);
      if (vm.processes) take(vm.processes->stretches);
      if (vm.nested)
        for (const auto& vcpu : vm.nested->vcpus) take(vcpu.stretches);
      if (vm.path) take(vm.path->path.stretches);
    }
    if (report.path) take(report.path->path.stretches);
    return ns;
  }

  /// That of its thread; Perfetto knows a thread by its number alone, and two hosts may have one
  /// number.
  uint64_t track_of(const ReportVcpu& vcpu) {
    return vcpu.tid != 0 && taken_.insert(vcpu.tid).second ? vcpu.tid : next_track_++;
  }

  // Processes are numbered, not called by their pids: one process may have several VMs.
  void add_vm(const ReportVm& vm) {
    pid_++;
    name(
        "process_name", 0,
        {{"name", shown_text(shown_name(vm.flow)) + " (pid " + std::to_string(vm.flow.pid) + ")"}});
    name("process_labels", 0, {{"labels", shown_text(vm.verdict.sentence)}});
    name("process_sort_index", 0, {{"sort_index", pid_}});
    for (const auto& vcpu : vm.vcpus) add_vcpu(vm, vcpu);
    if (vm.path) add_path(*vm.path);
    if (vm.nested) add_nested(*vm.nested);
    if (vm.processes) add_processes(*vm.processes);
  }

  void add_nested(const VmNested& nested) {
    constexpr uint64_t kBelowVcpus = 500'000;
    for (size_t i = 0; i < nested.vcpus.size(); i++) {
      const auto& vcpu = nested.vcpus[i];
      const auto track = next_track_++;
      add_track(track, fmt::format("L{} {:x}", vcpu.level, vcpu.vmcb12), kBelowVcpus + i);
      for (const auto& each : vcpu.stretches) {
        Json args{{"vcpu", each.vcpu_id}};
        if (each.state == NestedState::kWaiting) args["reason"] = wait_reason_name(each.reason);
        if (each.by != 0) args["by"] = fmt::format("{:x}", each.by);
        slice(track, std::string(nested_state_name(each.state)), "nested", each.begin_ns,
              each.end_ns, std::move(args));
      }
    }
  }

  void add_vcpu(const ReportVm& vm, const ReportVcpu& vcpu) {
    const auto track = tracks_.at(&vcpu).tid;
    add_track(track, "vCPU " + std::to_string(vcpu.vcpu_id), vcpu.vcpu_id);
    for (const auto& interval : vcpu.intervals) {
      Json args = Json::object();
      if (interval.detail != 0) args["detail"] = shown_text(report_.details[interval.detail]);
      slice(track, std::string(state_name(interval.state).name), "vcpu", interval.begin_ns,
            interval.end_ns, std::move(args));
    }
    for (const auto& wake : vcpu.wakes) add_arrow(vm, vcpu, wake);
  }

  // Both ends must lie in a slice, or the arrow ends nowhere.
  void add_arrow(const ReportVm& vm, const ReportVcpu& to, const ReportWake& wake) {
    const auto from = std::ranges::find(vm.vcpus, wake.by_vcpu_id, &ReportVcpu::vcpu_id);
    if (from == vm.vcpus.end() || !has_slice(*from, wake.ns)) return;
    const auto next =
        std::ranges::upper_bound(to.intervals, wake.ns, {}, &ReportInterval::begin_ns);
    if (next == to.intervals.end()) return;
    arrow_++;
    flow("s", "interrupt", "wake", tracks_.at(&*from), wake.ns);
    flow("f", "interrupt", "wake", tracks_.at(&to), next->begin_ns);
  }

  static std::string name_of(const ReportPath& path, uint32_t place) {
    return place < path.workers.size() ? shown_text(path.workers[place].name) : "nobody";
  }

  void add_path(const ReportPath& report) {
    constexpr uint64_t kAboveVcpus = 0;
    const auto track = next_track_++;
    add_track(track, "critical path", kAboveVcpus);
    const PathStretch* last = nullptr;
    for (const auto& each : report.path.stretches) {
      Json args{{"worker", name_of(report, each.worker)}, {"what", doing_name(each.doing)}};
      if (each.doing == Doing::kRunning) args["level"] = each.level;
      if (each.by < report.workers.size()) args["by"] = name_of(report, each.by);
      slice(track, name_of(report, each.worker) + ": " + std::string(doing_name(each.doing)),
            "path", each.begin_ns, each.end_ns, std::move(args));
      if (last && last->worker != each.worker) add_path_arrow(report, *last, each);
      last = &each;
    }
  }

  // Between the tracks of vCPUs, which are drawn whole; other workers have no track of their own.
  void add_path_arrow(const ReportPath& report, const PathStretch& from, const PathStretch& to) {
    const auto *one = vcpu_of(report, from.worker), *other = vcpu_of(report, to.worker);
    if (!one || !other || !has_slice(*one, to.begin_ns) || !has_slice(*other, to.begin_ns)) return;
    arrow_++;
    flow("s", "wake-up", "path", tracks_.at(one), to.begin_ns);
    flow("f", "wake-up", "path", tracks_.at(other), to.begin_ns);
  }

  const ReportVcpu* vcpu_of(const ReportPath& report, uint32_t place) const {
    if (place >= report.workers.size()) return nullptr;
    const auto& worker = report.workers[place];
    if (worker.kind != WorkerKind::kVcpu) return nullptr;
    const auto* vm = vm_of(worker);
    if (!vm) return nullptr;
    const auto vcpu = std::ranges::find(vm->vcpus, worker.vcpu_id, &ReportVcpu::vcpu_id);
    return vcpu == vm->vcpus.end() ? nullptr : &*vcpu;
  }

  /// Two hosts may have one label: then the name has the host's too.
  const ReportVm* vm_of(const ReportWorker& worker) const {
    const ReportVm* found = nullptr;
    for (const auto& vm : report_.vms) {
      if (vm.flow.label != worker.vm) continue;
      if (shown_name(vm.flow) == worker.vm_name) return &vm;
      if (!found) found = &vm;
    }
    return found;
  }

  static bool has_slice(const ReportVcpu& vcpu, uint64_t ns) {
    auto after = std::ranges::upper_bound(vcpu.intervals, ns, {}, &ReportInterval::begin_ns);
    return after != vcpu.intervals.begin() && (--after)->end_ns >= ns;
  }

  /// Slices of one track must not cross: a process that has several vCPUs at once has as many
  /// tracks.
  void add_processes(const VmProcesses& vm) {
    constexpr uint64_t kBelowVcpus = 1'000'000;
    struct Lane {
      uint64_t track = 0;
      uint64_t end_ns = 0;
    };
    std::vector<std::vector<Lane>> lanes(vm.processes.size());
    const auto add_lane = [&](size_t process) -> Lane& {
      auto& all = lanes[process];
      const auto name = process_name(vm.processes[process].key);
      all.push_back({.track = next_track_++});
      add_track(all.back().track,
                all.size() == 1 ? name : name + " (" + std::to_string(all.size()) + ")",
                kBelowVcpus + process);
      return all.back();
    };
    for (size_t i = 0; i < vm.processes.size(); i++) add_lane(i);
    for (const auto& stretch : vm.stretches) {
      if (stretch.begin_ns >= stretch.end_ns) continue;
      auto& all = lanes[stretch.process];
      const auto free = std::ranges::find_if(
          all, [&](const Lane& lane) { return lane.end_ns <= stretch.begin_ns; });
      Lane& lane = free != all.end() ? *free : add_lane(stretch.process);
      lane.end_ns = stretch.end_ns;
      slice(lane.track, "vCPU " + std::to_string(stretch.vcpu_id), "process", stretch.begin_ns,
            stretch.end_ns, Json::object());
    }
  }

  void add_track(uint64_t tid, const std::string& title, uint64_t order) {
    name("thread_name", tid, {{"name", title}});
    name("thread_sort_index", tid, {{"sort_index", order}});
  }

  void name(const char* what, uint64_t tid, Json args) {
    events_.push_back(
        {{"ph", "M"}, {"name", what}, {"pid", pid_}, {"tid", tid}, {"args", std::move(args)}});
  }

  void slice(uint64_t tid, const std::string& title, const char* category, uint64_t begin_ns,
             uint64_t end_ns, Json args) {
    events_.push_back({{"ph", "X"},
                       {"name", title},
                       {"cat", category},
                       {"pid", pid_},
                       {"tid", tid},
                       {"ts", since_begin(begin_ns)},
                       {"dur", static_cast<double>(end_ns - begin_ns) / 1e3},
                       {"args", std::move(args)}});
  }

  void flow(const char* phase, const char* title, const char* category, const Track& track,
            uint64_t ns) {
    Json event{{"ph", phase},      {"name", title},    {"cat", category},      {"id", arrow_},
               {"pid", track.pid}, {"tid", track.tid}, {"ts", since_begin(ns)}};
    if (phase[0] == 'f') event["bp"] = "e";
    arrows_.push_back(std::move(event));
  }

  double since_begin(uint64_t ns) const { return static_cast<double>(ns - begin_ns_) / 1e3; }

  const TraceReport& report_;
  const uint64_t begin_ns_;
  Json events_ = Json::array();
  std::vector<Json> arrows_;
  std::set<uint64_t> taken_;
  std::map<const ReportVcpu*, Track> tracks_;
  uint64_t next_track_ = kFirstOwnTrack;
  uint64_t pid_ = 0;
  uint64_t arrow_ = 0;
};

}  // namespace

std::string perfetto_json(const TraceReport& report) {
  Writer writer(report);
  const Json json{{"displayTimeUnit", "ns"},
                  {"otherData",
                   {{"title", shown_text(report.title)},
                    {"finding", shown_text(report.finding)},
                    {"clock", shown_text(report.window.clock)},
                    {"begin_ns", std::to_string(writer.begin_ns())}}},
                  {"traceEvents", writer.events()}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vmflow
