// SPDX-License-Identifier: GPL-2.0-only
#include "agent/agent.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <thread>
#include <utility>

#include "agent/sources/bpf_snapshot.h"
#include "agent/sources/monotonic_clock.h"
#include "agent/sources/own_process.h"
#include "agent/sources/thread_times.h"
#include "agent/version.h"
#include "exporters/api_json.h"
#include "exporters/prometheus_text.h"

namespace vmflow {
namespace {

constexpr uint32_t kTicksBetweenAttempts = 10;

/// Runs one collector and notes whether it worked and what it took.
template <typename Collect>
void timed(AgentFlow& agent, const char* name, Collect collect) {
  const auto began = std::chrono::steady_clock::now();
  const bool success = collect();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  agent.collectors.push_back({name, success, took.count()});
}

std::string attached_names(const BpfPrograms& programs) {
  std::string names;
  for (const auto& program : programs.programs())
    names += fmt::format("{}{}", names.empty() ? "" : " ", program.name);
  return names;
}

}  // namespace

Result<void> Agent::start() {
  const std::lock_guard lock(mutex_);
  // Early: what asks libvirt is a copy of this process, which is still small. This thread holds no
  // right, so that one does not either.
  libvirt_ = make_libvirt_names(config_.libvirt_uri,
                                std::chrono::seconds(config_.libvirt_interval_seconds));
  Result<void> attached;
  rights_.run([&] {
    attached = check_privilege();
    if (attached) attached = attach_if_possible();
  });
  if (attached && !programs_) {
    spdlog::info("KVM is not loaded: waiting for kvm_amd or kvm_intel");
    rights_.tell("until then");
  }
  return attached;
}

void Agent::ask(std::function<WebFlow()> web) {
  const std::lock_guard lock(mutex_);
  web_ = std::move(web);
}

void Agent::retry_attach() {
  if (ticks_until_retry_ > 0) {
    ticks_until_retry_--;
    return;
  }
  if (loaded_vendor_module().empty()) return;
  Result<void> attached;
  rights_.run([&] { attached = attach_if_possible(); });
  if (!attached) {
    ticks_until_retry_ = kTicksBetweenAttempts;
    if (attached.error().message != std::exchange(last_attach_error_, attached.error().message))
      spdlog::error("KVM is there, but: {}", attached.error().message);
  }
}

Result<void> Agent::attach_if_possible() {
  auto support = probe_kernel();
  if (!support) return tl::unexpected(support.error());
  support_ = std::move(*support);
  support_->config.tell_irq = config_.culprit_irq;
  if (!config_.trace.registers) support_->config.regs_cr3 = FLOW_NO_OFFSET;
  if (config_.trace.mode != "off") {
    support_->config.ring_kinds =
        config_.trace.packets ? RING_ALL_KINDS : RING_ALL_KINDS & ~RING_PACKET_KINDS;
    support_->config.ring_records =
        config_.trace.ring_mib_per_cpu * (1u << 20) / sizeof(ring_record);
  }
  return support_->kvm == Kvm::absent ? Result<void>{} : load();
}

Result<void> Agent::load() {
  auto programs = BpfPrograms::load(*support_, config_.max_vcpus);
  if (!programs) return tl::unexpected(programs.error());
  programs_ = std::move(*programs);
  has_ring_ = programs_->ring() != nullptr;
  programs_->discover_vcpus();
  checking_codes_ = programs_->begin_code_check();
  spdlog::info(
      "attached on {} with {}: room for {} vCPUs ({} KiB); exit codes from {}; programs: {}",
      support_->kernel, support_->vendor_module, config_.max_vcpus,
      sizeof(vcpu_slot) * programs_->slot_count() / 1024, support_->exit_source,
      attached_names(*programs_));
  overhead_.tell();
  if (!support_->sees_nested)
    spdlog::info("this kernel does not tell guests of guests: there are no metrics of them");
  if (!programs_->sees_vcpus_destroyed())
    spdlog::warn(
        "this kernel does not let vmflow see KVM destroy a vCPU: a VM is gone when its "
        "process is gone");
  if (!programs_->sees_throttled_bios())
    spdlog::warn("this kernel does not let vmflow see disk requests that io.max holds back");
  return {};
}

// A tick after the programs were attached, so that it costs the host no more than a second.
void Agent::check_exit_codes() {
  if (!std::exchange(checking_codes_, false)) return;
  const auto [equal, differing] = programs_->end_code_check();
  if (differing == 0)
    return spdlog::info("exit codes: {} compared with the tracepoint's own, all equal", equal);
  spdlog::warn(
      "exit codes: {} of {} differ from the tracepoint's own, so they are read from its record: "
      "counters start again",
      differing, equal + differing);
  auto support = *support_;
  read_exit_code_from_record(support);
  support_ = std::move(support);
  programs_.reset();
  carry_ = {};
  looks_.clear();
  Result<void> loaded;
  rights_.run([&] { loaded = load(); });
  if (!loaded) spdlog::error("{}", loaded.error().message);
}

// Once nothing is left to attach: exit codes are found right, or read from elsewhere.
void Agent::give_up_rights() {
  if (programs_ && !checking_codes_ && std::exchange(has_rights_, false)) rights_.give_up();
}

// Not with mutex_ held: a replay takes longer than a scrape may wait.
void Agent::look_at_processes() {
  if (!config_.trace.registers || !limited_by_itself_) return;
  const auto recent = evidence_.look(live_side().ring, monotonic_ns());
  const std::lock_guard lock(mutex_);
  contention_.clear();
  for (const auto& vm : recent->vms)
    if (const auto contention = contention_of(vm)) contention_[vm.vm] = *contention;
}

void Agent::note_limits(const FlowModel& model) {
  uint64_t own_ns = 0;
  for (const auto& vm : model.vms) own_ns += limited_by_itself_ns(vm.slowdown.total_ns);
  limited_by_itself_ = own_ns > std::exchange(own_ns_, own_ns);
}

void Agent::tick() {
  look_at_processes();
  const std::lock_guard lock(mutex_);
  if (programs_ && looked_) check_exit_codes();
  if (!programs_) retry_attach();
  if (!programs_) return;
  if (looked_) give_up_rights();
  watch_entries();
  overhead_.tick(*programs_);
  const bool with_pairs = monotonic_ns() >= pairs_ns_ + kSlowdownMarkNs;
  const auto model = look(with_pairs);
  if (with_pairs) pairs_ns_ = model.now_ns;
  note_limits(model);
  warn_once(model);
  keep_look();
  if (triggers_ != nullptr) triggers_->tick(model);
}

// What a trace is held against must have every vCPU: one that was being written is read again.
Snapshot Agent::look_at_slots(std::vector<SlotCopy> room) {
  constexpr int kAttempts = 10;
  auto snapshot = read_snapshot(*programs_, *support_, false, std::move(room));
  for (int attempt = 1; attempt < kAttempts && snapshot.torn_slots > 0; attempt++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    snapshot = read_snapshot(*programs_, *support_, false, std::move(snapshot.slots));
  }
  identify(snapshot);
  return snapshot;
}

void Agent::identify(Snapshot& snapshot) {
  for (const auto& copy : snapshot.slots) {
    const VmKey vm{copy.slot.id.tgid, copy.slot.id.kvm};
    if (!snapshot.identities.contains(vm)) snapshot.identities[vm] = inventory_.identify(vm);
  }
  if (libvirt_) libvirt_->add_to(snapshot.identities);
}

void Agent::keep_look() {
  has_ring_ = programs_->ring() != nullptr;
  if (!has_ring_) return;
  ring_span_ns_ = ring_span_ns(*programs_, monotonic_ns());
  ring_bytes_ = ring_bytes(*programs_);
  if (!looks_.is_due(monotonic_ns())) return;
  auto look = look_at_slots(std::move(slots_room_));
  looks_.keep(look);
  slots_room_ = std::move(look.slots);
}

LiveSide Agent::live_side() {
  LiveSide live;
  live.look = [this]() -> std::optional<Snapshot> {
    const std::lock_guard lock(mutex_);
    if (!programs_) return std::nullopt;
    return look_at_slots({});
  };
  live.look_after = [this](uint64_t ns) -> std::optional<Snapshot> {
    const std::lock_guard lock(mutex_);
    return looks_.after(ns);
  };
  live.ring = [this]() -> RingReading {
    const std::lock_guard lock(mutex_);
    if (!programs_) return {};
    return read_ring(*programs_, support_->config.is_vmx != 0 ? FLOW_ISA_VMX : FLOW_ISA_SVM);
  };
  live.ring_span_ns = [this] { return ring_span_ns_.load(); };
  live.set_recording = [this](bool on) {
    const std::lock_guard lock(mutex_);
    if (programs_ && programs_->ring() != nullptr) programs_->set_recording(on);
  };
  live.may_record = [this] { return overhead_.may_record(); };
  live.ring_bytes = [this] { return ring_bytes_.load(); };
  live.has_ring = [this] { return has_ring_.load(); };
  return live;
}

void Agent::watch_entries() {
  const auto entries = programs_->runs(FLOW_PROG_ENTRY) + programs_->runs(FLOW_PROG_EXIT);
  entries_missing_ = entries_.is_missing(entries, entries == 0 ? programs_->discover_vcpus() : 0,
                                         programs_->losses()[FLOW_LOSS_UNKNOWN_VCPU]);
}

Snapshot Agent::read_maps(AgentFlow& agent, bool with_pairs) {
  Snapshot snapshot;
  timed(agent, "bpf", [&] {
    if (!programs_) return false;
    snapshot = read_snapshot(*programs_, *support_, with_pairs, std::move(slots_room_));
    snapshot.entries_missing = entries_missing_;
    snapshot.use_window_ns = config_.idle_window_seconds * uint64_t{1'000'000'000};
    if (limited_by_itself_) snapshot.processes = contention_;
    return true;
  });
  timed(agent, "vm_inventory", [&] {
    identify(snapshot);
    inventory_.forget_unused();
    return true;
  });
  timed(agent, "threads", [&] {
    for (const auto& [vm, identity] : snapshot.identities)
      if (!snapshot.threads.contains(vm.tgid))
        snapshot.threads[vm.tgid] = read_threads("/proc", vm.tgid);
    kernel_workers_.add_to(snapshot.threads);
    return true;
  });
  return snapshot;
}

FlowModel Agent::look(bool with_pairs) {
  AgentFlow agent{.version = kVersion,
                  .revision = kRevision,
                  .collectors = {},
                  .process = {},
                  .rights = rights_.flow()};
  auto snapshot = read_maps(agent, with_pairs);
  auto built = build_model(snapshot, std::move(carry_));
  slots_room_ = std::move(snapshot.slots);
  carry_ = std::move(built.carry);
  if (programs_) {
    for (const auto& slot : built.model.recyclable) programs_->recycle(slot.index);
    if (!built.model.recyclable.empty()) forget_departed();
    programs_->forget_nested(built.model.forgettable);
    looked_ = true;
  }
  timed(agent, "process", [&] {
    agent.process = read_own_process();
    return agent.process.resident_bytes != 0;
  });
  if (libvirt_) agent.libvirt = libvirt_->flow();
  agent.overhead = overhead_.flow();
  built.model.agent = std::move(agent);
  if (triggers_ != nullptr) built.model.trace = triggers_->flow();
  if (web_) built.model.web = web_();
  return std::move(built.model);
}

// Only once something has ended: a VM that is new is not in the carry yet.
void Agent::forget_departed() {
  std::set<VmKey> live;
  for (const auto& [key, vm] : carry_.vms) live.insert(key);
  programs_->forget_all_but(live);
}

void Agent::warn_once(const FlowModel& model) {
  if (model.health.entries_missing && !std::exchange(warned_entries_missing_, true))
    spdlog::warn(
        "VMs run, but the KVM of this kernel ({}) reports no VM entry and no VM exit: nothing "
        "can be measured; vmflow needs kvm_amd or kvm_intel",
        support_->vendor_module);
  if (model.health.losses[FLOW_LOSS_NO_FREE_SLOT] != 0 && !std::exchange(warned_slots_full_, true))
    spdlog::warn(
        "more than {} vCPUs run: those that came last are not followed; start vmflowd with a "
        "larger --max-vcpus",
        config_.max_vcpus);
}

FlowModel Agent::look_now(bool with_pairs) {
  const std::lock_guard lock(mutex_);
  return look(with_pairs);
}

std::string Agent::make_page() {
  auto page = pages_.next(look_now(false));
  tell_left_out();
  return page;
}

void Agent::tell_left_out() {
  std::string names;
  for (const auto& metric : pages_.page().left_out)
    names += fmt::format("{}{}", names.empty() ? "" : " ", metric.metric);
  if (names == std::exchange(left_out_, names)) return;
  if (names.empty()) return spdlog::info("all metrics are on the page again");
  spdlog::warn("with more than {} series, these metrics are left out: {} (--web.max-series)",
               config_.max_series, names);
}

std::optional<std::string> Agent::api(const std::string& path) {
  if (wants_processes(path)) {
    const auto recent = processes_.look(live_side().ring, monotonic_ns());
    return api_processes_json(look_now(false), path,
                              {recent->vms, recent->nested, recent->begin_ns, recent->end_ns});
  }
  return api_json(look_now(true), path);
}

bool Agent::ready() {
  const std::lock_guard lock(mutex_);
  return programs_ && looked_;
}

void Agent::detach() {
  const std::lock_guard lock(mutex_);
  has_ring_ = false;
  programs_.reset();
}

}  // namespace vmflow
