// SPDX-License-Identifier: GPL-2.0-only
// The scheduler's events and the host's interrupts. An event holds no priorities: they are written
// as 0 and never read.
#include "agent/sources/ctf_rows.h"

namespace vmflow {
namespace {

using enum CtfType;
using enum CtfUse;

/// What LTTng records as the state of a task that was preempted: TASK_REPORT_MAX, above every state
/// that a task may report. Source: __trace_sched_switch_state().
constexpr uint64_t kPreempted = 0x100;

uint64_t signed_bits(uint32_t value) {
  return static_cast<uint64_t>(int64_t{static_cast<int32_t>(value)});
}

Comm name_of(uint32_t tid, const ThreadNames& names) {
  const auto found = names.find(tid);
  return found == names.end() ? Comm{} : found->second;
}

// The state of a preempted task means nothing, and LTTng has no place for both.
CtfEvent switch_row() {
  return {"sched_switch",
          kind_of<SwitchEvent>(),
          {{"prev_comm", kText, kOptional},
           {"prev_tid", kI32},
           {"prev_prio", kI32, kShape},
           {"prev_state", kI64},
           {"next_comm", kText, kOptional},
           {"next_tid", kI32},
           {"next_prio", kI32, kShape}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            const bool is_preempted =
                static_cast<int64_t>(v.number[3]) >= static_cast<int64_t>(kPreempted);
            return SwitchEvent{.prev_tid = v.u32(1),
                               .next_tid = v.u32(5),
                               .prev_state = is_preempted ? 0 : static_cast<int64_t>(v.number[3]),
                               .preempted = is_preempted,
                               .prev_comm = v.text[0],
                               .next_comm = v.text[4]};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& at = std::get<SwitchEvent>(data);
            const auto state = static_cast<uint64_t>(at.prev_state) & (kPreempted - 1);
            v.number = {
                0, signed_bits(at.prev_tid), 0, at.preempted.value_or(false) ? kPreempted : state,
                0, signed_bits(at.next_tid), 0};
            v.text[0] = at.prev_comm;
            v.text[4] = at.next_comm;
            return true;
          }};
}

CtfEvent waking_row() {
  return {"sched_waking",
          kind_of<WakingEvent>(),
          {{"comm", kText, kOptional}, {"tid", kI32}, {"prio", kI32, kShape}, {"target_cpu", kI32}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return WakingEvent{.tid = v.u32(1), .target_cpu = v.u32(3), .comm = v.text[0]};
          },
          [](const EventData& data, const ThreadNames&, CtfValues& v) {
            const auto& waking = std::get<WakingEvent>(data);
            v.number = {0, signed_bits(waking.tid), 0, signed_bits(waking.target_cpu)};
            v.text[0] = waking.comm;
            return true;
          }};
}

CtfEvent migrate_row() {
  return {
      "sched_migrate_task",
      kind_of<MigrateEvent>(),
      {{"comm", kText, kShape},
       {"tid", kI32},
       {"prio", kI32, kShape},
       {"orig_cpu", kI32},
       {"dest_cpu", kI32}},
      [](const CtfValues& v, bool) -> std::optional<EventData> {
        return MigrateEvent{.tid = v.u32(1), .from_cpu = v.u32(3), .to_cpu = v.u32(4)};
      },
      [](const EventData& data, const ThreadNames& names, CtfValues& v) {
        const auto& at = std::get<MigrateEvent>(data);
        v.number = {0, signed_bits(at.tid), 0, signed_bits(at.from_cpu), signed_bits(at.to_cpu)};
        v.text[0] = name_of(at.tid, names);
        return true;
      }};
}

CtfEvent thread_exit_row() {
  return {"sched_process_exit",
          kind_of<ThreadExitEvent>(),
          {{"comm", kText, kShape}, {"tid", kI32}, {"prio", kI32, kShape}},
          [](const CtfValues& v, bool) -> std::optional<EventData> {
            return ThreadExitEvent{v.u32(1)};
          },
          [](const EventData& data, const ThreadNames& names, CtfValues& v) {
            const auto tid = std::get<ThreadExitEvent>(data).tid;
            v.number = {0, signed_bits(tid), 0};
            v.text[0] = name_of(tid, names);
            return true;
          }};
}

template <bool kBegins>
std::optional<EventData> read_irq(const CtfValues&, bool) {
  return IrqEvent{kBegins};
}

// Which interrupt it was, the event does not tell: irq is -1.
template <bool kBegins>
bool write_irq(const EventData& data, const ThreadNames&, CtfValues& v) {
  if (std::get<IrqEvent>(data).begins != kBegins) return false;
  v.number = {kNotTold64};
  return true;
}

// Interrupts of the host that have no handler of a device.
void add_vector_rows(std::vector<CtfEvent>& rows) {
  for (const auto* name :
       {"x86_irq_vectors_local_timer_entry", "x86_irq_vectors_reschedule_entry",
        "x86_irq_vectors_call_function_entry", "x86_irq_vectors_call_function_single_entry",
        "x86_irq_vectors_irq_work_entry"})
    rows.push_back({name, kind_of<IrqEvent>(), {}, read_irq<true>, nullptr});
  for (const auto* name :
       {"x86_irq_vectors_local_timer_exit", "x86_irq_vectors_reschedule_exit",
        "x86_irq_vectors_call_function_exit", "x86_irq_vectors_call_function_single_exit",
        "x86_irq_vectors_irq_work_exit"})
    rows.push_back({name, kind_of<IrqEvent>(), {}, read_irq<false>, nullptr});
}

}  // namespace

std::vector<CtfEvent> scheduler_ctf_rows() {
  std::vector<CtfEvent> rows{switch_row(), waking_row(), migrate_row(), thread_exit_row()};
  rows.push_back({"irq_handler_entry",
                  kind_of<IrqEvent>(),
                  {{"irq", kI32, kShape}, {"name", kText, kShape}},
                  read_irq<true>,
                  write_irq<true>});
  rows.push_back({"irq_handler_exit",
                  kind_of<IrqEvent>(),
                  {{"irq", kI32, kShape}, {"ret", kI32, kShape}},
                  read_irq<false>,
                  write_irq<false>});
  add_vector_rows(rows);
  return rows;
}

}  // namespace vmflow
