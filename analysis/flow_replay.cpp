// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay.h"

#include <algorithm>
#include <utility>

#include "analysis/flow_replay_book.h"
#include "analysis/flow_replay_guest.h"
#include "analysis/flow_replay_kvm.h"
#include "analysis/flow_replay_ready.h"
#include "analysis/flow_replay_sched.h"
#include "analysis/flow_replay_totals.h"
#include "analysis/flow_replay_wake.h"
#include "analysis/vcpu_windows.h"

namespace vmflow {
namespace {

constexpr size_t kMostTogether = 64;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

bool is_thread(uint32_t tid) {
  return tid <= kMostThreads;
}

bool has_possible_threads(const Event& event) {
  if (!is_thread(event.tid) || !is_thread(event.tgid)) return false;
  return std::visit(
      Overloaded{
          [](const SwitchEvent& e) { return is_thread(e.prev_tid) && is_thread(e.next_tid); },
          [](const WakingEvent& e) { return is_thread(e.tid); },
          [](const MigrateEvent& e) { return is_thread(e.tid); },
          [](const ThreadExitEvent& e) { return is_thread(e.tid); },
          [](const WakeEvent& e) { return is_thread(e.tid); }, [](const auto&) { return true; }},
      event.data);
}

bool is_possible(ReplayBook& book, const Event& event) {
  if (event.ns == 0 || event.ns > kLatestNs)
    book.count(ReplayAnomaly::kImpossibleTime);
  else if (event.cpu >= book.options.max_cpus)
    book.count(ReplayAnomaly::kImpossibleCpu);
  else if (!has_possible_threads(event))
    book.count(ReplayAnomaly::kImpossibleThread);
  else
    return true;
  return false;
}

/// Everything but what comes in company: switches and wake-ups.
void step_alone(ReplayBook& book, const Event& event) {
  std::visit(Overloaded{[&](const EntryEvent& e) { replay_entry(book, event, e); },
                        [&](const ExitEvent& e) { replay_exit(book, event, e); },
                        [&](const UserspaceExitEvent& e) { replay_userspace_exit(book, event, e); },
                        [&](const RunEvent&) { replay_run(book, event); },
                        [&](const HaltEndEvent& e) { replay_halt_end(book, event, e); },
                        [&](const NestedEnterEvent& e) { replay_nested_enter(book, event, e); },
                        [&](const NestedExitEvent&) { replay_nested_exit(book, event); },
                        [&](const NestedReflectEvent& e) { replay_nested_reflect(book, event, e); },
                        [&](const AcceptEvent& e) { replay_accept(book, event, e); },
                        [&](const RouteEvent&) { replay_route(book, event); },
                        [&](const PageReadyEvent&) { replay_page_ready(book, event); },
                        [&](const MigrateEvent& e) { replay_migrate(book, event, e); },
                        [&](const ThreadExitEvent& e) { replay_thread_exit(book, event, e); },
                        [&](const IrqEvent& e) { replay_irq(book, event, e); },
                        [&](const VcpuOutEvent& e) { replay_out(book, event, e); },
                        [&](const VcpuInEvent& e) { replay_in(book, event, e); },
                        [&](const WakeEvent& e) { replay_wake(book, event, e); },
                        [&](const SwitchEvent& e) { replay_switch(book, event, e, {}, {}); },
                        [&](const WakingEvent& e) { replay_waking(book, event, e, false); },
                        [&](const RegistersEvent& e) { replay_registers(book, event, e); },
                        // Between hosts: see packet_match.h.
                        [](const PacketEvent&) {}},
             event.data);
}

/// Events of about the same time. What the kernel side has decided at a switch or a wake-up is
/// taken with it, in whichever order the two were recorded.
class Together {
 public:
  explicit Together(const std::vector<Event>& events) : events_(events), done_(events.size()) {}

  void step(ReplayBook& book) {
    for (size_t i = 0; i < events_.size(); i++)
      if (!done_[i]) step_at(book, i);
  }

 private:
  bool is_near(const Event& a, const Event& b) const {
    return std::max(a.ns, b.ns) - std::min(a.ns, b.ns) <= kTogetherNs;
  }

  /// The first event with `Data` near `event` for which `test` holds, and which has not been
  /// stepped.
  template <typename Data, typename Test>
  size_t find(const Event& event, Test test) const {
    for (size_t i = 0; i < events_.size(); i++) {
      const auto* data = done_[i] ? nullptr : std::get_if<Data>(&events_[i].data);
      if (data && is_near(event, events_[i]) && test(events_[i], *data)) return i;
    }
    return events_.size();
  }

  template <typename Data>
  ReplayTold<Data> told(const Event& event, uint32_t tid) {
    const size_t i = find<Data>(event, [&](const Event& other, const Data&) {
      return tid != 0 && other.tid == tid && other.cpu == event.cpu;
    });
    if (i == events_.size()) return {};
    done_[i] = true;
    return {&events_[i], &std::get<Data>(events_[i].data)};
  }

  void step_switch(ReplayBook& book, size_t i) {
    const Event& event = events_[i];
    const auto& change = std::get<SwitchEvent>(event.data);
    done_[i] = true;
    const auto out = told<VcpuOutEvent>(event, change.prev_tid);
    replay_switch(book, event, change, out, told<VcpuInEvent>(event, change.next_tid));
  }

  void step_at(ReplayBook& book, size_t i) {
    const Event& event = events_[i];
    const auto is_here = [&](const Event& other) {
      return other.cpu == event.cpu && event.tid != 0;
    };
    size_t with = events_.size();
    if (std::holds_alternative<VcpuOutEvent>(event.data))
      with = find<SwitchEvent>(event, [&](const Event& other, const SwitchEvent& change) {
        return is_here(other) && change.prev_tid == event.tid;
      });
    else if (std::holds_alternative<VcpuInEvent>(event.data))
      with = find<SwitchEvent>(event, [&](const Event& other, const SwitchEvent& change) {
        return is_here(other) && change.next_tid == event.tid;
      });
    else if (std::holds_alternative<SwitchEvent>(event.data))
      with = i;
    if (with != events_.size()) return step_switch(book, with);
    done_[i] = true;
    if (const auto* waking = std::get_if<WakingEvent>(&event.data))
      replay_waking(book, event, *waking, is_wake_told(event, waking->tid));
    else
      step_alone(book, event);
  }

  /// Has the kernel side told this wake-up too, before or after?
  bool is_wake_told(const Event& event, uint32_t tid) const {
    return std::ranges::any_of(events_, [&](const Event& other) {
      const auto* wake = std::get_if<WakeEvent>(&other.data);
      return wake && wake->tid == tid && is_near(event, other);
    });
  }

  const std::vector<Event>& events_;
  std::vector<bool> done_;
};

}  // namespace

FlowReplay::FlowReplay(ReplayOptions options) : book_(std::make_unique<ReplayBook>(options)) {}
FlowReplay::~FlowReplay() = default;
FlowReplay::FlowReplay(FlowReplay&&) noexcept = default;
FlowReplay& FlowReplay::operator=(FlowReplay&&) noexcept = default;

void FlowReplay::seed(const vcpu_slot& slot, uint64_t stop_ns) {
  ReplayBook& book = *book_;
  if (slot.id.tgid == 0 || slot.id.tid == 0 || slot.flow.last_ns > kLatestNs) return;
  ReplayVcpu* vcpu = book.add(slot.id, true);
  if (!vcpu) return;
  const uint32_t vm = vcpu->slot.vm, waits_at = slot.waits_at;
  vcpu->slot = slot;
  vcpu->slot.vm = vm;
  vcpu->slot.part = FLOW_PART_NONE;
  vcpu->slot.waits_at = 0;
  vcpu->process_told = true;
  vcpu->start_ns = slot.flow.last_ns;
  vcpu->stop_ns = stop_ns;
  vcpu->in_kvm_run = slot.flow.state != FLOW_VMM && slot.flow.state != FLOW_PAUSED;
  book.vcpu_by_tid[slot.id.tid] = vcpu->number;
  book.learn_process(slot.id.tid, slot.id.tgid);
  if (ReplayCpu* cpu = waits_at != 0 ? book.cpu_at(waits_at - 1) : nullptr) {
    vcpu->cpu = cpu->number;
    list_waiter(book, *cpu, *vcpu);
  }
}

void FlowReplay::seed(const Snapshot& first, const Snapshot& last) {
  for (const auto& window : vcpu_windows(first, last).followed) seed(window.begin, window.end_ns());
}

void FlowReplay::step(const Event& event) {
  ReplayBook& book = *book_;
  book.events++;
  if (!is_possible(book, event)) return;
  if (event.ns < book.last_ns) book.count(ReplayAnomaly::kOutOfOrder);
  if (book.first_ns == 0) book.first_ns = event.ns;
  book.last_ns = std::max(book.last_ns, event.ns);
  if (!together_.empty() &&
      (event.ns < together_.back().ns || event.ns - together_.back().ns > kTogetherNs ||
       together_.size() >= kMostTogether))
    step_together();
  together_.push_back(event);
}

/// Ends the windows that were over when something happened at `ns`.
void FlowReplay::count_until(uint64_t ns) {
  const uint64_t every_ns = book_->options.count_every_ns;
  if (every_ns == 0) return;
  const uint64_t over = (ns - std::min(ns, book_->first_ns)) / every_ns;
  while (book_->counts.size() < over && !book_->counts_left_out) note_counts(*book_);
}

void FlowReplay::step_together() {
  count_until(together_.front().ns);
  if (together_.size() == 1)
    step_alone(*book_, together_.front());
  else
    Together(together_).step(*book_);
  together_.clear();
}

ReplayResult FlowReplay::finish() && {
  if (!together_.empty()) step_together();
  return replay_totals(std::move(*book_));
}

}  // namespace vmflow
