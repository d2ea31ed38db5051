// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/thread_flow.h"

#include <algorithm>
#include <array>
#include <deque>
#include <unordered_map>

#include "analysis/exit_reason.h"

namespace vmflow {
namespace {

// How many holders of a CPU are looked back at for who made a thread wait.
constexpr size_t kHolders = 16;

struct Holder {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint32_t tid = 0;
};

struct Cpu {
  uint64_t since_ns = 0;  ///< of the last switch; 0: none yet
  uint32_t tid = 0;       ///< who has it since then
  uint32_t irq_depth = 0;
  uint32_t waiting = 0;             ///< vCPUs that are ready here
  uint64_t waited_since_ns = 0;     ///< without a pause
  bool left_for_interrupt = false;  ///< the vCPU that runs here did, and is in KVM since
  std::array<Holder, kHolders> holders{};
  size_t next_holder = 0;
};

struct Thread {
  ThreadLife life;
  ThreadState state = ThreadState::kRunning;
  bool is_told = false;
  bool waits_counted = false;  ///< in Cpu::waiting
  uint64_t since_ns = 0;
  uint32_t cpu = 0;
};

bool is_hard_interrupt(uint64_t waker) {
  const auto kind = waker >> 32;
  return kind == FLOW_WAKE_HARDIRQ || kind == FLOW_WAKE_OWN_INTERRUPT ||
         kind == FLOW_WAKE_HARDIRQ_DEVICE;
}

}  // namespace

struct ThreadFlow::Book {
  explicit Book(ThreadFlowOptions limits) : options(limits), vendor(limits.vendor) {}

  Cpu* cpu_at(uint32_t number) {
    if (number >= options.max_cpus) return nullptr;
    if (number >= cpus.size()) cpus.resize(number + 1);
    return &cpus[number];
  }

  Thread* thread_of(uint32_t tid) {
    if (tid == 0 || tid > kMostThreads) return nullptr;
    const auto known = threads.find(tid);
    if (known != threads.end()) return &known->second;
    if (threads.size() >= options.max_threads) {
      leave_out();
      return nullptr;
    }
    auto& thread = threads[tid];
    thread.life.tid = tid;
    return &thread;
  }

  void leave_out() {
    if (left_out++ == 0) full_ns = now_ns;
  }

  void append(Thread& thread, ThreadStretch stretch) {
    auto& all = thread.life.stretches;
    if (!all.empty()) stretch.begin_ns = std::max(stretch.begin_ns, all.back().end_ns);
    if (stretch.begin_ns >= stretch.end_ns) return;
    if (kept >= options.max_stretches) return leave_out();
    kept++;
    all.push_back(stretch);
  }

  void set(Thread& thread, ThreadState state, uint32_t cpu_number) {
    stop_waiting(thread);
    thread.state = state;
    thread.is_told = true;
    thread.since_ns = now_ns;
    thread.cpu = cpu_number;
    Cpu* cpu = cpu_at(cpu_number);
    if (state != ThreadState::kReady || !thread.life.is_vcpu || !cpu) return;
    thread.waits_counted = true;
    if (cpu->waiting++ == 0) cpu->waited_since_ns = now_ns;
  }

  void stop_waiting(Thread& thread) {
    if (!thread.waits_counted) return;
    thread.waits_counted = false;
    if (Cpu* cpu = cpu_at(thread.cpu); cpu && cpu->waiting > 0) cpu->waiting--;
  }

  /// Whoever has had the CPU on which it waits, from the oldest that is known on.
  void append_ready(Thread& thread) {
    const Cpu* cpu = cpu_at(thread.cpu);
    uint64_t from_ns = thread.since_ns;
    const auto behind = [&](const Holder& holder) {
      const uint64_t begin_ns = std::max(holder.begin_ns, from_ns);
      const uint64_t end_ns = std::min(holder.end_ns, now_ns);
      if (begin_ns >= end_ns || holder.tid == thread.life.tid) return;
      append(thread, {from_ns, begin_ns, 0, ThreadState::kReady});
      append(thread, {begin_ns, end_ns, holder.tid, ThreadState::kReady});
      from_ns = end_ns;
    };
    for (size_t i = 0; cpu && i < kHolders; i++)
      behind(cpu->holders[(cpu->next_holder + i) % kHolders]);
    if (cpu && cpu->since_ns != 0) behind({cpu->since_ns, now_ns, cpu->tid});
    append(thread, {from_ns, now_ns, 0, ThreadState::kReady});
  }

  /// It has run until now: as far back as the trace shows that nobody else had the CPU.
  void append_running(Thread& thread, Cpu& cpu) {
    uint64_t from_ns = cpu.since_ns != 0 ? cpu.since_ns : first_ns;
    if (cpu.since_ns != 0 && cpu.tid != thread.life.tid) from_ns = now_ns;
    if (!options.has_all_switches && !thread.life.is_vcpu)
      from_ns = cpu.waiting != 0 ? std::max(from_ns, cpu.waited_since_ns) : now_ns;
    append(thread, {from_ns, now_ns, 0, ThreadState::kRunning});
    cpu.holders[cpu.next_holder] = {from_ns, now_ns, thread.life.tid};
    cpu.next_holder = (cpu.next_holder + 1) % kHolders;
  }

  void leave(Thread& thread, uint32_t number, const SwitchEvent& change) {
    append_running(thread, *cpu_at(number));
    set(thread, is_runnable(change) ? ThreadState::kReady : ThreadState::kAsleep, number);
  }

  void come(Thread& thread, uint32_t number) {
    if (thread.is_told && thread.state == ThreadState::kAsleep)
      append(thread, {thread.since_ns, now_ns, 0, ThreadState::kAsleep});
    if (thread.is_told && thread.state == ThreadState::kReady) {
      if (thread.cpu != number) {
        stop_waiting(thread);
        thread.cpu = number;
      }
      append_ready(thread);
    }
    set(thread, ThreadState::kRunning, number);
  }

  void take(const Event& event, const SwitchEvent& change) {
    Cpu& cpu = *cpu_at(event.cpu);
    // The scheduler switches outside interrupts only: what has not ended by then was missed.
    cpu.irq_depth = 0;
    cpu.left_for_interrupt = false;
    if (Thread* prev = thread_of(change.prev_tid)) {
      if (change.prev_comm[0] != '\0') prev->life.comm = change.prev_comm;
      leave(*prev, event.cpu, change);
    }
    if (Thread* next = thread_of(change.next_tid)) {
      if (change.next_comm[0] != '\0') next->life.comm = change.next_comm;
      come(*next, event.cpu);
    }
    cpu.since_ns = now_ns;
    cpu.tid = change.next_tid;
  }

  /// Not one whose switch from the CPU was lost.
  bool is_awake(const Thread& thread) {
    if (!thread.is_told || thread.state == ThreadState::kAsleep) return false;
    const Cpu* cpu = cpu_at(thread.cpu);
    return thread.state == ThreadState::kReady || (cpu && cpu->tid == thread.life.tid);
  }

  /// A task is woken by one, or by an interrupt: what wakes while the CPU idles is one, too.
  void wake(const Event& event, uint32_t tid, std::optional<uint32_t> target, const Comm& comm) {
    Thread* thread = thread_of(tid);
    if (!thread) return;
    if (comm[0] != '\0') thread->life.comm = comm;
    if (is_awake(*thread)) return;
    const Cpu& cpu = *cpu_at(event.cpu);
    const uint32_t waker = event.tid != 0 ? event.tid : cpu.tid;
    const bool by_interrupt =
        cpu.irq_depth != 0 || cpu.left_for_interrupt || (waker == 0 && cpu.since_ns != 0);
    if (thread->is_told && thread->state == ThreadState::kAsleep)
      append(*thread, {thread->since_ns, now_ns, by_interrupt || waker == tid ? 0 : waker,
                       ThreadState::kAsleep, by_interrupt, short_cpu(event.cpu)});
    set(*thread, ThreadState::kReady, target.value_or(thread->cpu));
  }

  void take(const Event& event, const WakingEvent& waking) {
    wake(event, waking.tid, waking.target_cpu, waking.comm);
  }

  // Of a vCPU, told by the kernel side, which knows when it was in an interrupt.
  void take(const Event& event, const WakeEvent& told) {
    wake(event, told.tid, std::nullopt, Comm{});
    Thread* thread = thread_of(told.tid);
    if (!thread || !is_hard_interrupt(told.waker) || thread->life.stretches.empty()) return;
    auto& last = thread->life.stretches.back();
    if (last.state != ThreadState::kAsleep || now_ns - last.end_ns > kTogetherNs) return;
    last.other = 0;
    last.by_interrupt = true;
  }

  void take(const Event&, const MigrateEvent& move) {
    Thread* thread = thread_of(move.tid);
    if (!thread || !thread->is_told || thread->state != ThreadState::kReady) return;
    append_ready(*thread);
    set(*thread, ThreadState::kReady, move.to_cpu);
  }

  void take(const Event& event, const IrqEvent& irq) {
    Cpu& cpu = *cpu_at(event.cpu);
    if (irq.begins)
      cpu.irq_depth++;
    else if (cpu.irq_depth != 0)
      cpu.irq_depth--;
  }

  void take(const Event& event, const ExitEvent& exit) {
    if (exit.isa == FLOW_ISA_VMX) vendor = Vendor::kVmx;
    if (exit.isa == FLOW_ISA_SVM) vendor = Vendor::kSvm;
    const auto index = flow_exit_index(vendor == Vendor::kVmx, exit.code);
    cpu_at(event.cpu)->left_for_interrupt = is_interrupt_exit(vendor, index);
    learn_vcpu(event);
  }

  void take(const Event& event, const EntryEvent&) {
    cpu_at(event.cpu)->left_for_interrupt = false;
    learn_vcpu(event);
  }
  void take(const Event& event, const UserspaceExitEvent&) {
    cpu_at(event.cpu)->left_for_interrupt = false;
  }
  void take(const Event& event, const VcpuOutEvent&) { learn_vcpu(event); }
  void take(const Event& event, const VcpuInEvent&) { learn_vcpu(event); }

  // What its tid does from then on is another thread's.
  void take(const Event&, const ThreadExitEvent& end) {
    if (Thread* thread = thread_of(end.tid)) {
      stop_waiting(*thread);
      thread->is_told = false;
    }
  }
  template <typename Other>
  void take(const Event&, const Other&) {}

  void learn_vcpu(const Event& event) {
    if (Thread* thread = thread_of(event.tid)) thread->life.is_vcpu = true;
  }

  void close() {
    for (auto& [tid, thread] : threads) {
      if (!thread.is_told) continue;
      Cpu* cpu = cpu_at(thread.cpu);
      if (thread.state == ThreadState::kReady) append_ready(thread);
      if (thread.state == ThreadState::kAsleep)
        append(thread, {thread.since_ns, now_ns, 0, ThreadState::kAsleep});
      if (thread.state == ThreadState::kRunning && cpu && cpu->tid == tid)
        append_running(thread, *cpu);
    }
  }

  ThreadFlowOptions options;
  Vendor vendor;
  uint64_t first_ns = 0, now_ns = 0, kept = 0, left_out = 0, full_ns = 0;
  std::deque<Cpu> cpus;  // who holds one keeps it while others are added
  std::unordered_map<uint32_t, Thread> threads;
};

ThreadFlow::ThreadFlow(ThreadFlowOptions options) : book_(std::make_unique<Book>(options)) {}
ThreadFlow::~ThreadFlow() = default;
ThreadFlow::ThreadFlow(ThreadFlow&&) noexcept = default;
ThreadFlow& ThreadFlow::operator=(ThreadFlow&&) noexcept = default;

void ThreadFlow::step(const Event& event) {
  Book& book = *book_;
  if (event.ns == 0 || event.ns > kLatestNs || !book.cpu_at(event.cpu)) return;
  if (book.first_ns == 0) book.first_ns = event.ns;
  book.now_ns = std::max(book.now_ns, event.ns);
  if (event.tgid != 0)
    if (Thread* thread = book.thread_of(event.tid)) thread->life.tgid = event.tgid;
  std::visit([&](const auto& data) { book.take(event, data); }, event.data);
}

ThreadLives ThreadFlow::finish() && {
  Book& book = *book_;
  book.close();
  ThreadLives lives{.threads = {},
                    .left_out = book.left_out,
                    .full_ns = book.full_ns,
                    .has_all_switches = book.options.has_all_switches,
                    .first_ns = book.first_ns,
                    .last_ns = book.now_ns};
  for (auto& [tid, thread] : book.threads) {
    // Who wakes and who takes the CPU of others is not recorded then.
    if (!book.options.has_all_switches && !thread.life.is_vcpu)
      std::erase_if(thread.life.stretches, [](const ThreadStretch& stretch) {
        return stretch.state != ThreadState::kRunning;
      });
    lives.threads.push_back(std::move(thread.life));
  }
  std::ranges::sort(lives.threads, {}, &ThreadLife::tid);
  return lives;
}

}  // namespace vmflow
