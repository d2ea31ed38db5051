// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/build_model.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>
#include <utility>

#include "analysis/culprit.h"
#include "analysis/exit_reason.h"
#include "analysis/io_flow.h"
#include "analysis/ledger.h"
#include "analysis/nested.h"
#include "analysis/userspace_exit.h"
#include "analysis/vm_skew_time.h"
#include "analysis/wakers.h"

namespace vmflow {
namespace {

// One vCPU of a VM, whichever slots it has had. Its time alone: all its counters are 5 KiB.
struct VcpuSums {
  TimeLedger time;
  uint32_t tid = 0;
  bool runs = false;  // its thread lives
};

// All vCPUs of one VM, added up.
struct VmSums {
  VcpuTotals totals;
  uint64_t held_back_ns = 0;
  uint64_t pending_ns = 0;
  std::array<uint64_t, FLOW_STATES> open_wait_ns{};
  std::map<uint32_t, VcpuSums> by_vcpu;
};

/// The vCPUs of VM after VM.
class VcpusByVm {
 public:
  explicit VcpusByVm(const Carry& carry) {
    vcpus_.reserve(carry.vcpus.size());
    for (const auto& [slot, vcpu] : carry.vcpus) vcpus_.push_back(&vcpu);
    const auto vm_of = [](const VcpuCarry* vcpu) { return vcpu->vm; };
    // Mostly they are: slots are given out as VMs start.
    if (!std::ranges::is_sorted(vcpus_, {}, vm_of)) std::ranges::stable_sort(vcpus_, {}, vm_of);
  }

  /// By slot. Shape: VMs are asked for in their order.
  std::span<const VcpuCarry* const> next(const VmKey& vm) {
    while (at_ < vcpus_.size() && vcpus_[at_]->vm < vm) at_++;
    const size_t begin = at_;
    while (at_ < vcpus_.size() && vcpus_[at_]->vm == vm) at_++;
    return {vcpus_.data() + begin, at_ - begin};
  }

 private:
  std::vector<const VcpuCarry*> vcpus_;
  size_t at_ = 0;
};

void add_time(TimeLedger& time, const VcpuTotals& totals, uint64_t held_back_ns) {
  for (uint32_t state = 0; state < FLOW_STATES; state++) time.state_ns[state] += totals.ns[state];
  time.unaccounted_ns += totals.ns[FLOW_UNKNOWN];
  time.held_back_ns += held_back_ns;
}

void add(VmSums& vm, const VcpuCarry& vcpu) {
  VcpuSums& mine = vm.by_vcpu[vcpu.vcpu_id];
  vm.totals += vcpu.reported.totals;
  add_time(mine.time, vcpu.reported.totals, vcpu.reported.held_back_ns);
  vm.held_back_ns += vcpu.reported.held_back_ns;
  vm.pending_ns += vcpu.reported.pending_ns;
  for (uint32_t state = 0; state < FLOW_STATES; state++)
    vm.open_wait_ns[state] += vcpu.reported.open_wait_ns[state];
  if (vcpu.thread_exit_ns != 0 || vcpu.destroyed_ns != 0) return;
  mine.runs = true;
  mine.tid = vcpu.tid;
}

VmSums sum_of(const VmCarry& vm, std::span<const VcpuCarry* const> vcpus) {
  VmSums sums;
  for (const auto& [id, totals] : vm.retired) {
    sums.totals += totals;
    add_time(sums.by_vcpu[id].time, totals, 0);
  }
  for (const auto* vcpu : vcpus) add(sums, *vcpu);
  return sums;
}

TimeLedger time_of(const VcpuTotals& totals, uint64_t held_back_ns) {
  TimeLedger time;
  add_time(time, totals, held_back_ns);
  return time;
}

std::vector<ExitFlow> exits_of(Vendor vendor, const VcpuTotals& totals) {
  std::vector<ExitFlow> exits;
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++)
    if (totals.exit_count[i] != 0)
      exits.push_back({exit_name(vendor, i), totals.exit_count[i], totals.exit_ns[i],
                       is_interrupt_exit(vendor, i)});
  return exits;
}

// The reasons of the vendor's list; those it leaves empty are dropped.
std::vector<ExitFlow> folded_exits_of(Vendor vendor, const VcpuTotals& totals) {
  std::vector<ExitFlow> exits(kFoldedExits);
  for (uint32_t place = 0; place < kFoldedExits; place++)
    exits[place].reason = folded_exit_name(vendor, place);
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) {
    if (totals.exit_count[i] == 0 && totals.exit_ns[i] == 0) continue;
    ExitFlow& exit = exits[folded_exit(vendor, i)];
    exit.count += totals.exit_count[i];
    exit.ns += totals.exit_ns[i];
  }
  std::erase_if(exits, [](const ExitFlow& exit) { return exit.reason.empty(); });
  return exits;
}

std::vector<NamedCount> userspace_exits_of(const VcpuTotals& totals) {
  std::vector<NamedCount> exits;
  for (uint32_t i = 0; i < FLOW_USERSPACE_REASONS; i++) {
    if (totals.userspace[i] == 0) continue;
    const auto name = userspace_exit_name(i);
    const auto known = std::ranges::find(exits, name, &NamedCount::name);
    if (known == exits.end())
      exits.push_back({std::string(name), totals.userspace[i]});
    else
      known->count += totals.userspace[i];
  }
  return exits;
}

WaitsByReason wait_durations_of(const VcpuTotals& totals) {
  WaitsByReason waits{};
  for (uint32_t kind = 0; kind < FLOW_WAKE_KINDS; kind++) {
    auto& wait = waits[static_cast<uint32_t>(wait_reason(static_cast<flow_wake_kind>(kind)))];
    wait.sum_ns += totals.wait_ns[kind];
    for (uint32_t i = 0; i < FLOW_WAIT_BUCKETS; i++) wait.bucket[i] += totals.waited[kind][i];
  }
  return waits;
}

VmFlow vm_flow(const VmCarry& vm, const VmIdentity& identity, const VmSums& sums, Vendor vendor) {
  const VcpuTotals& totals = sums.totals;
  VmFlow flow;
  flow.label = vm.label;
  flow.name = sanitise(identity.name);
  flow.uuid = sanitise(identity.uuid);
  flow.vmm = sanitise(identity.vmm);
  flow.names = shown_names(identity.names);
  flow.pid = identity.pid;
  flow.start_time_unix_seconds = identity.start_time_unix_seconds;
  flow.vcpus = static_cast<uint32_t>(
      std::ranges::count_if(sums.by_vcpu, [](const auto& vcpu) { return vcpu.second.runs; }));
  flow.time = time_of(totals, sums.held_back_ns);
  flow.open_wait_ns = sums.open_wait_ns;
  flow.wait_durations = wait_durations_of(totals);
  for (uint32_t reason = 0; reason < kWaitReasons; reason++)
    flow.wait_ns[reason] = flow.wait_durations[reason].sum_ns;
  flow.preemptions = totals.preempted;
  flow.skew_ns = vm.skew_ns;
  flow.block_ns = totals.block_ns;
  flow.culprit_ns = totals.culprit_ns;
  flow.exits = exits_of(vendor, totals);
  flow.folded_exits = folded_exits_of(vendor, totals);
  flow.exit_durations = {totals.handled, totals.handled_ns};
  flow.runqueue_waits = {totals.queued, totals.queued_ns};
  flow.wakeup_latencies = {totals.woken, totals.woken_ns};
  flow.userspace_exits = userspace_exits_of(totals);
  flow.poll_success_ns = totals.poll_ns[0];
  flow.poll_fail_ns = totals.poll_ns[1];
  flow.poll_success = totals.poll_success;
  flow.poll_fail = totals.poll_fail;
  flow.halt_wakeups = totals.halt_wakeups;
  for (const auto& [id, vcpu] : sums.by_vcpu) flow.per_vcpu.push_back({id, vcpu.tid, vcpu.time});
  return flow;
}

std::vector<Durations> host_exit_durations(const Snapshot& snapshot) {
  std::vector<Durations> durations(kFoldedExits);
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) {
    const exit_histogram& histogram = snapshot.exit_histograms[i];
    Durations& sum = durations[folded_exit(snapshot.host.vendor, i)];
    sum.sum_ns += histogram.sum_ns;
    for (uint32_t b = 0; b < FLOW_EXIT_BUCKETS; b++) sum.bucket[b] += histogram.bucket[b];
  }
  return durations;
}

// One timed run stands for as many as there were runs for each timed one.
uint64_t estimated_run_ns(const program_cost& cost) {
  if (cost.timed_runs == 0) return 0;
  const double mean_ns = static_cast<double>(cost.timed_ns) / static_cast<double>(cost.timed_runs);
  return static_cast<uint64_t>(mean_ns * static_cast<double>(cost.runs));
}

std::vector<ProgramFlow> programs_of(const Snapshot& snapshot, Carry& carry) {
  std::vector<ProgramFlow> programs;
  for (const auto& program : snapshot.programs) {
    uint64_t& run_ns = carry.program_run_ns[program.name];
    run_ns = std::max(run_ns, estimated_run_ns(program.cost));
    programs.push_back({program.name, program.attached, program.cost.runs, program.cost.timed_runs,
                        run_ns, program.recursion_misses});
  }
  return programs;
}

LedgerHealth health_of(const Snapshot& snapshot, const Carry& carry, const VcpuTotals& everything) {
  LedgerHealth health;
  health.anomalies = everything.anomaly;
  health.losses = snapshot.losses;
  health.clamps = carry.clamps;
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++)
    if (folded_exit(snapshot.host.vendor, i) == kNamedExits)
      health.exits_folded += everything.exit_count[i];
  health.duplicate_uuids = carry.duplicate_uuids;
  health.torn_slots = carry.torn_slots;
  health.entries_missing = snapshot.entries_missing;
  return health;
}

// What is a process' own, requests, packets and threads: of several VMs in one process the first
// one has it.
bool is_first_of_process(const Carry& carry, const VmKey& key) {
  return carry.vms.lower_bound({key.tgid, 0})->first == key;
}

void take_in_threads(Carry& carry, const Snapshot& snapshot) {
  std::vector<uint32_t> vcpu_tids;
  vcpu_tids.reserve(snapshot.slots.size());
  for (const auto& copy : snapshot.slots)
    if (copy.slot.end.thread_exit_ns == 0) vcpu_tids.push_back(copy.slot.id.tid);
  std::ranges::sort(vcpu_tids);
  for (const auto& [pid, threads] : snapshot.threads)
    carry.threads[pid].take_in(pid, threads, vcpu_tids);
  std::erase_if(carry.threads, [&](const auto& book) {
    const auto vm = carry.vms.lower_bound({book.first, 0});
    return vm == carry.vms.end() || vm->first.tgid != book.first;
  });
}

std::optional<RoleTimes> helpers_of(const Carry& carry, const VmKey& key) {
  const auto book = carry.threads.find(key.tgid);
  if (book == carry.threads.end() || !is_first_of_process(carry, key)) return {};
  return book->second.times();
}

void add_io(VmFlow& flow, const Snapshot& snapshot, const Carry& carry, const VmKey& key,
            const VcpuTotals& totals) {
  if (!is_first_of_process(carry, key)) return;
  flow.disk_pending_ns = totals.disk_pending_ns;
  flow.net_pending_ns = totals.net_pending_ns;
  const auto io = snapshot.ios.find(key.tgid);
  if (io == snapshot.ios.end()) return;
  const auto waiting = snapshot.packets_waiting.find(key.tgid);
  flow.disk = disk_flow(io->second, totals);
  flow.net =
      net_flow(io->second, totals, waiting == snapshot.packets_waiting.end() ? 0 : waiting->second);
  flow.interrupts = interrupts_by_reason(io->second.interrupts);
}

/// The place of each VM, in the order of the carry, among the labels.
std::vector<size_t> places_by_label(const Carry& carry) {
  std::vector<const std::string*> labels;
  labels.reserve(carry.vms.size());
  for (const auto& [key, vm] : carry.vms) labels.push_back(&vm.label);
  std::vector<size_t> order(labels.size()), places(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) -> const std::string& { return *labels[i]; });
  for (size_t place = 0; place < order.size(); place++) places[order[place]] = place;
  return places;
}

template <typename Value>
std::vector<Value> taken_from(std::map<VmKey, std::vector<Value>>& of_vms, const VmKey& key) {
  const auto found = of_vms.find(key);
  return found == of_vms.end() ? std::vector<Value>{} : std::move(found->second);
}

/// One look over all live VMs. They are visited in the order of the carry, since on a large host
/// most of the time goes to memory that is far away; each with its own sums, since all VMs' are
/// more than a cache holds.
class VmFlows {
 public:
  VmFlows(const Snapshot& snapshot, Carry& carry)
      : snapshot_(snapshot), carry_(carry), taken_(taken_by_victim(snapshot)) {}

  /// By label. `everything` is added to.
  std::vector<VmFlow> all(VcpuTotals& everything) {
    const auto places = places_by_label(carry_);
    std::vector<VmFlow> flows(places.size());
    VcpusByVm vcpus(carry_);
    size_t i = 0;
    for (auto& [key, vm] : carry_.vms) {
      const size_t place = places[i++];
      const auto of_vm = vcpus.next(key);
      if (of_vm.empty() && vm.retired.empty()) {
        without_time_.push_back(place);
        continue;
      }
      const auto sums = sum_of(vm, of_vm);
      everything += sums.totals;
      flows[place] = flow_of(key, vm, sums);
      if (!snapshot_.wakers.empty()) {
        task_ns_[key] = sums.totals.wait_ns[FLOW_WAKE_IPI];
        places_[key] = place;
      }
    }
    for (auto& [key, wakers] : wakers_of(snapshot_, task_ns_))
      flows[places_[key]].wakers = std::move(wakers);
    return without_gaps(std::move(flows));
  }

 private:
  VmFlow flow_of(const VmKey& key, VmCarry& vm, const VmSums& sums) {
    const auto identity = snapshot_.identities.find(key);
    VmIdentity unknown;
    unknown.pid = key.tgid;
    const auto vendor = snapshot_.host.vendor;
    auto flow = vm_flow(vm, identity == snapshot_.identities.end() ? unknown : identity->second,
                        sums, vendor);
    flow.helpers = helpers_of(carry_, key);
    flow.levels = nested_sums_of(sums.totals, sums.pending_ns);
    flow.nested = nested_vms_of(vm, vendor);
    add_io(flow, snapshot_, carry_, key, sums.totals);
    vm.slowdown.take_in(slowdown_look(snapshot_, key, flow, taken_from(taken_, key)));
    flow.slowdown = vm.slowdown.flow();
    vm.use.take_in(snapshot_.now_ns, vm_use_point(flow), snapshot_.use_window_ns);
    flow.use = vm.use.use(flow.vcpus);
    return flow;
  }

  std::vector<VmFlow> without_gaps(std::vector<VmFlow> flows) {
    std::ranges::sort(without_time_, std::greater{});
    for (const auto place : without_time_)
      flows.erase(flows.begin() + static_cast<std::ptrdiff_t>(place));
    return flows;
  }

  const Snapshot& snapshot_;
  Carry& carry_;
  std::map<VmKey, std::vector<TakenTime>> taken_;
  std::map<VmKey, uint64_t> task_ns_;
  std::map<VmKey, size_t> places_;
  std::vector<size_t> without_time_;  ///< VMs of which nothing has been seen yet
};

}  // namespace

Built build_model(const Snapshot& snapshot, Carry previous) {
  Built built{.model = {}, .carry = std::move(previous)};
  Carry& carry = built.carry;
  take_in_slots(carry, snapshot);
  depart(carry, snapshot);
  label_vms(carry, snapshot);
  take_in_skews(carry, snapshot);
  take_in_threads(carry, snapshot);
  take_in_nested(carry, snapshot);

  VcpuTotals everything = carry.departed;
  FlowModel& model = built.model;
  model.now_ns = snapshot.now_ns;
  model.host = snapshot.host;
  model.vms = VmFlows(snapshot, carry).all(everything);
  if (snapshot.has_pairs) model.culprits = culprits_of(snapshot, carry, model.vms);
  model.unattributed_interrupts = interrupts_by_reason(snapshot.unattributed_interrupts);
  model.departed = {carry.departed_vms, time_of(carry.departed, 0),
                    folded_exits_of(snapshot.host.vendor, carry.departed)};
  model.exit_durations = host_exit_durations(snapshot);
  model.wakeup_latencies = {everything.woken, everything.woken_ns};
  model.wait_durations = wait_durations_of(everything);
  model.tells_irq = snapshot.tells_irq;
  model.health = health_of(snapshot, carry, everything);
  model.programs = programs_of(snapshot, carry);
  model.maps = snapshot.maps;
  model.recyclable = recyclable_slots(carry, snapshot);
  model.forgettable = nested_to_forget(snapshot, carry);
  return built;
}

}  // namespace vmflow
