// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/trace_contents.h"

#include <algorithm>

namespace vmflow {
namespace {

/// Any one of `names` will do.
struct Requirement {
  std::vector<std::string> names;
  std::string without;
};

const std::vector<Requirement>& requirements() {
  static const std::vector<Requirement> all{
      {{"kvm_x86_exit"}, "why a vCPU leaves the guest, and its time in KVM, are unknown"},
      {{"kvm_x86_entry"}, "time in the guest is unknown"},
      {{"sched_switch"}, "when a vCPU has a CPU is unknown: no halted, ready or blocked time"},
      {{"sched_waking"}, "what ended a wait, and when a vCPU became ready, is unknown"},
      {{"kvm_userspace_exit"}, "time in the VMM is not told from time in KVM"},
      {{"kvm_x86_apic_accept_irq"}, "halts have no reason but who woke them"},
      {{"kvm_set_irq", "kvm_msi_set_irq"}, "devices' interrupts are not told from IPIs"},
      {{"irq_handler_entry", "x86_irq_vectors_local_timer_entry"},
       "wake-ups by interrupts of the host look like those of the task that was interrupted"},
      {{"sched_migrate_task"}, "where a vCPU waits for a CPU may be wrong after it was moved"},
      {{"sched_process_exit"}, "a thread that ends looks asleep"},
      {{"kvm_vcpu_wakeup"}, "halt polling counts as time in KVM"},
      {{"kvm_nested_vmenter", "kvm_x86_nested_vmrun"}, "guests of guests are not told apart"},
  };
  return all;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : " or ") + name;
  return text;
}

void add_clocks(const TraceContents& contents, std::vector<std::string>& words) {
  for (const auto& trace : contents.traces)
    if (!trace.clock.is_monotonic())
      words.push_back("no CLOCK_MONOTONIC but the clock '" + trace.clock.name +
                      "': times cannot be held against the live numbers");
}

void add_contexts(const TraceContents& contents, std::vector<std::string>& words) {
  const auto all = [&](auto tells) { return std::ranges::all_of(contents.traces, tells); };
  if (!all(&TraceReading::tells_tid))
    words.emplace_back("no tid context: whose an event is, is told by sched_switch alone");
  if (!all(&TraceReading::tells_tgid))
    words.emplace_back("no pid context: which threads make up a VM is unknown");
  if (contents.without_cpu > 0)
    words.push_back("no cpu_id for " + std::to_string(contents.without_cpu) +
                    " events: they count for CPU 0");
}

void add_losses(const TraceContents& contents, std::vector<std::string>& words) {
  if (const auto lost = discarded_events(contents); lost > 0)
    words.push_back(std::to_string(lost) + " events were discarded: times around them are wrong");
  if (const auto lost = discarded_packets(contents); lost > 0)
    words.push_back(std::to_string(lost) + " packets were discarded: times around them are wrong");
  uint64_t uncounted = 0;
  for (const auto& trace : contents.traces) uncounted += trace.uncounted_losses;
  if (uncounted > 0)
    words.push_back("events were discarded in " + std::to_string(uncounted) +
                    " places, perhaps before the trace; how many is unknown");
  for (const auto& trace : contents.traces)
    for (const auto& [name, count] : trace.misshapen)
      words.push_back(std::to_string(count) + " events " + name + " without the fields they had");
}

}  // namespace

bool has_live_clock(const TraceContents& contents) {
  const auto& traces = contents.traces;
  return !traces.empty() && std::ranges::all_of(traces, [&](const TraceReading& trace) {
    return trace.clock.is_monotonic() && trace.clock.uuid == traces.front().clock.uuid;
  });
}

std::vector<std::string> missing(const TraceContents& contents) {
  std::vector<std::string> words;
  const auto is_declared = [&](const std::string& name) {
    return std::ranges::any_of(contents.traces, [&](const TraceReading& trace) {
      return trace.declared.contains(name) && !trace.misshapen.contains(name);
    });
  };
  for (const auto& [names, without] : requirements())
    if (std::ranges::none_of(names, is_declared))
      words.push_back("no " + joined(names) + ": " + without);
  add_clocks(contents, words);
  add_contexts(contents, words);
  add_losses(contents, words);
  return words;
}

uint64_t discarded_events(const TraceContents& contents) {
  uint64_t sum = 0;
  for (const auto& trace : contents.traces) sum += trace.discarded_events;
  return sum;
}

uint64_t discarded_packets(const TraceContents& contents) {
  uint64_t sum = 0;
  for (const auto& trace : contents.traces) sum += trace.discarded_packets;
  return sum;
}

}  // namespace vmflow
