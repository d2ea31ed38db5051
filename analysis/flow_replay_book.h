// SPDX-License-Identifier: GPL-2.0-only
// All that a replay knows at one moment: vCPUs, CPUs, and which thread is which. Inside flow_replay
// only.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "analysis/event.h"
#include "analysis/flow_replay.h"
#include "analysis/flow_replay_timeline.h"

namespace vmflow {

constexpr uint64_t kReplayForever = ~uint64_t{0};

/// A vCPU's wake-up, for the migration that may be part of it.
struct ReplayWaking {
  uint64_t ns = 0;
  uint32_t cpu = 0;
  uint32_t tid = 0;
  bool may_move = false;
};

/// One vCPU. Shape: its number is its place in ReplayBook::vcpus plus 1, like a slot's index.
struct ReplayVcpu {
  vcpu_slot slot{};
  uint32_t number = 0;
  bool id_told = false;
  bool process_told = false;
  bool in_kvm_run = true;
  bool outs_told = false;             ///< its switches are told by VcpuOutEvent, VcpuInEvent
  bool wakes_told = false;            ///< and its wake-ups by WakeEvent
  uint64_t start_ns = 0;              ///< events after this one count
  uint64_t stop_ns = kReplayForever;  ///< and up to this one
  uint32_t cpu = 0;                   ///< where it has run last
  ReplayWaking waking;
  std::vector<BlamedTime> blamed;  ///< of the present wait for a CPU
  ReplayTimeline timeline;
  std::vector<GuestSample> samples;
  std::vector<GivenInterrupt> interrupts;
  std::array<uint64_t, FLOW_WAKE_KINDS> given{};  ///< see ReplayCounts
  std::vector<NestedChange> nested_changes;
  uint64_t left_out = 0;  ///< of the last three

  bool counts(uint64_t ns) const { return ns > start_ns && ns <= stop_ns; }
};

/// The thread that has a CPU. Shape: `since_ns` 0: since before the trace.
struct ReplayHolder {
  uint64_t since_ns = 0;
  uint32_t tid = 0;
  uint32_t tgid = 0;  ///< 0: not told
  Comm comm{};
  bool is_told = false;
};

/// Twin of struct cpu_record, but for costs.
struct ReplayCpu {
  uint32_t number = 0;
  uint32_t irq_depth = 0;
  ReplayHolder holder;
  std::optional<given_irq> given;
  std::optional<std::pair<uint32_t, uint64_t>> routed;  ///< by whom and when
  std::array<uint32_t, FLOW_WAITERS> waiter{};          ///< numbers of vCPUs; 0: none
};

/// Who an event happened to. Shape: `vcpu` is the one whose thread it was, or null.
struct ReplayContext {
  ReplayCpu* cpu = nullptr;
  uint32_t tid = 0;
  uint32_t tgid = 0;
  Comm comm{};
  bool is_hardirq = false;
  ReplayVcpu* vcpu = nullptr;
};

/// Pairs of vCPUs by number, so that what is learnt later of who they are counts for them too.
struct ReplayBlameKey {
  uint32_t victim = 0;
  uint32_t culprit = 0;  ///< enum flow_culprit
  uint32_t vcpu = 0;     ///< the culprit's number; 0: no vCPU
  uint32_t tgid = 0;
  auto operator<=>(const ReplayBlameKey&) const = default;
};
struct ReplayNestedKey {
  uint32_t vcpu = 0;
  uint64_t vmcb12 = 0;
  auto operator<=>(const ReplayNestedKey&) const = default;
};
struct ReplayWakerKey {
  uint32_t vcpu = 0;
  uint32_t by_vcpu_id = 0;
  auto operator<=>(const ReplayWakerKey&) const = default;
};
using ReplayIdKey = std::tuple<uint32_t, uint32_t, uint64_t>;  // tgid, vCPU id, kvm
using ReplayCulpritKey =
    std::tuple<uint32_t, uint32_t, uint64_t, uint32_t>;  // kind, tgid, kvm, tid

struct ReplayBook {
  explicit ReplayBook(ReplayOptions options)
      : options(options),
        room(options.max_intervals),
        guest_room(options.max_samples),
        counts_room(options.max_counts) {}

  void count(ReplayAnomaly anomaly) { anomalies[static_cast<uint32_t>(anomaly)]++; }

  /// Null and counted if there can be no such CPU.
  ReplayCpu* cpu_at(uint32_t number);
  ReplayVcpu* vcpu_at(uint32_t number) {
    return number == 0 || number > vcpus.size() ? nullptr : vcpus[number - 1].get();
  }
  /// The vCPU that a thread runs, or null.
  ReplayVcpu* run_by(uint32_t tid);
  /// The vCPU that an event of KVM is about, a new one if need be; null and counted if nothing
  /// tells it.
  ReplayVcpu* vcpu_of(const Event& event, std::optional<uint32_t> id = {});
  /// In whose context an event happened; `cpu` is null if there can be no such CPU.
  ReplayContext context_of(const Event& event);

  /// Which process a thread belongs to; 0: not told.
  uint32_t process_of(uint32_t tid) const;
  void learn_process(uint32_t tid, uint32_t tgid);
  bool is_vm_process(uint32_t tgid) const { return vm_processes.contains(tgid); }

  ReplayVcpu* add(const vcpu_identity& id, bool id_told);
  /// The one that lives and has this id, in whichever VM of the process if `kvm` is 0; or null.
  ReplayVcpu* called(uint32_t tgid, uint64_t kvm, uint32_t id);
  /// `id` is the vCPU's, unless another one of its VM has it.
  void learn_id(ReplayVcpu& vcpu, uint32_t id);
  void end_thread(ReplayVcpu& vcpu);
  bool is_vmx() const { return vendor == Vendor::kVmx; }

  /// One step of a vCPU's ledger.
  template <typename Step>
  void step(ReplayVcpu& vcpu, Step step) {
    vcpu.timeline.before(vcpu.slot.flow);
    step();
    vcpu.timeline.after(vcpu.slot.flow, vcpu.blamed, room);
  }

  ReplayOptions options;
  Vendor vendor = options.vendor;
  uint64_t room;        ///< intervals that may still be kept
  uint64_t guest_room;  ///< samples and interrupts that may
  std::vector<std::vector<ReplayCounts>> counts;
  uint64_t counts_room;  ///< of them, that may still be kept
  bool counts_left_out = false;
  uint64_t events = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  ReplayVocabulary vocabulary;
  ReplayAnomalies anomalies{};
  std::vector<std::unique_ptr<ReplayVcpu>> vcpus;
  std::deque<ReplayCpu> cpus;  // who holds one keeps it while others are added
  std::unordered_map<uint32_t, uint32_t> vcpu_by_tid;
  std::unordered_map<uint32_t, uint32_t> process_by_tid;
  std::map<ReplayIdKey, uint32_t> vcpu_by_id;  // those that live and whose id is told
  std::set<uint32_t> vm_processes;
  std::unordered_map<uint32_t, uint32_t> vhost_owners;  // by the worker's tid: the VM's process
  std::map<VmKey, uint32_t> vm_by_key;
  std::map<uint32_t, vm_skew> skews;
  std::map<ReplayBlameKey, blame> blames;
  std::map<ReplayNestedKey, nested_record> nested;
  std::map<ReplayWakerKey, waker_count> wakers;
  std::vector<ReplayCulprit> culprits{1};
  std::map<ReplayCulpritKey, uint32_t> culprit_places;
  std::array<exit_histogram, FLOW_EXIT_CODES> exit_histograms{};

 private:
  void learn_vm(ReplayVcpu& vcpu, uint32_t tgid, uint64_t kvm);
  void bind(ReplayVcpu& vcpu, uint32_t tid, uint64_t ns);
  void leave_thread(ReplayVcpu& left, uint64_t ns);
  ReplayIdKey id_key(const ReplayVcpu& vcpu) const;
  ReplayVcpu* take(const Event& event, uint32_t tid, std::optional<uint32_t> id);
  void join_vm(ReplayVcpu& vcpu);
  uint64_t kvm_of(uint32_t tgid) const;
};

/// The vCPU's part in its VM's skew is `part` from `ns` on.
void replay_part(ReplayBook& book, ReplayVcpu& vcpu, uint64_t part, uint64_t ns);

}  // namespace vmflow
