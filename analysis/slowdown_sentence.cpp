// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_sentence.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "analysis/amount_text.h"
#include "analysis/slowdown_rules.h"

namespace vmflow {
namespace {

/// "50 % of its time (1.25 s)"
std::string of_time(const SentenceFacts& facts, uint64_t ns) {
  return fmt::format("{} of its time ({})", share_text(ns, facts.point.whole_ns()), time_text(ns));
}

KindSentence of_its_time(const SentenceFacts& facts, const KindTime& took,
                         fmt::format_string<std::string> text) {
  return {took.ns, fmt::format(text, of_time(facts, took.ns))};
}

uint64_t state(const SentenceFacts& facts, flow_state state) {
  return facts.point.state_ns[state];
}

/// Is `part` at least this share? Shape: sums of a trace that contradicts itself may be of any
/// size.
bool is_share(uint64_t part, uint64_t whole, double share) {
  return static_cast<double>(part) >= static_cast<double>(whole) * share;
}

KindSentence without_cpu(const SentenceFacts& facts, uint64_t told_ns, const std::string& what) {
  return {told_ns, fmt::format("Has work but no CPU {}: {}.",
                               of_time(facts, state(facts, FLOW_READY)), what)};
}

/// "100 % of that (5.00 s)", where that is the time without a CPU.
std::string of_that(const SentenceFacts& facts, uint64_t ns) {
  return fmt::format("{} of that ({})", share_text(ns, state(facts, FLOW_READY)), time_text(ns));
}

std::string has_it(const SentenceFacts& facts, const std::string& who, uint64_t ns) {
  return who + " has it " + of_that(facts, ns);
}

std::string have_it(const SentenceFacts& facts, std::string_view who, uint64_t ns) {
  return fmt::format("{} have it {}", who, of_that(facts, ns));
}

/// The worst one of this kind that has a name, or else all of them.
KindSentence taken_by(const SentenceFacts& facts, const KindTime& took, flow_culprit kind,
                      std::string_view before, const std::string& nameless) {
  const NamedCulprit* worst = nullptr;
  for (const auto& row : facts.culprits)
    if (row.kind == kind && !row.who.empty() && (worst == nullptr || row.ns > worst->ns))
      worst = &row;
  if (worst == nullptr) return without_cpu(facts, took.ns, has_it(facts, nameless, took.ns));
  const auto ns = std::min(worst->ns, took.ns);
  return without_cpu(facts, ns, has_it(facts, std::string(before) + culprit_text(*worst), ns));
}

KindSentence taken_by_unknown(const SentenceFacts& facts, const KindTime& took) {
  const auto ready_ns = state(facts, FLOW_READY);
  if (is_share(took.ns, ready_ns, 0.95))
    return without_cpu(facts, ready_ns, "who has it then is not known");
  return without_cpu(facts, took.ns,
                     fmt::format("who has it {} is not known", of_that(facts, took.ns)));
}

KindSentence taken_by_idle(const SentenceFacts& facts, const KindTime& took) {
  return without_cpu(facts, took.ns,
                     "the CPU was idle " + of_that(facts, took.ns) + ", it is woken late");
}

KindSentence blocked(const SentenceFacts& facts, const KindTime& took, std::string_view in) {
  return {took.ns, fmt::format("Waits for its VMM {}: {}.", of_time(facts, took.ns), in)};
}

/// "Waits for its disk 50 % of its time (5.00 s): it serves other VMs 75 % of the requests' time."
KindSentence disk(const SentenceFacts& facts, std::string_view why, uint64_t ns,
                  std::string_view of_whose) {
  uint64_t requests_ns = 0;
  if (facts.vm.disk)
    for (const auto& done : facts.vm.disk->done) requests_ns += done.ns;
  auto text =
      fmt::format("Waits for its disk {}: {}", of_time(facts, facts.point.disk_halted_ns), why);
  if (requests_ns != 0)
    text +=
        fmt::format(" {} of {} time", share_text(std::min(ns, requests_ns), requests_ns), of_whose);
  return {facts.point.disk_halted_ns, text + "."};
}

/// "Waits for its disk 50 % of its time (5.00 s), which serves no other VM meanwhile"
std::string own_disk(const SentenceFacts& facts, uint64_t ns) {
  return fmt::format(
      "Waits for its disk {}, which {} meanwhile", of_time(facts, ns),
      facts.point.disk_waited_ns == 0 ? "serves no other VM" : "hardly serves other VMs");
}

constexpr std::string_view kOwnThreads = "its own vCPUs and threads";
constexpr std::string_view kWhichIsUntold =
    "a load of its own or contention inside it; which of the two is not told without "
    "--trace.registers";

/// "Works 98 % of its time (9.80 s)", or which of its vCPUs do.
std::string works(const SentenceFacts& facts, uint64_t ns) {
  size_t all = 0, busy = 0;
  uint32_t last = 0;
  for (const auto& vcpu : facts.point.vcpus) {
    all += vcpu.whole_ns != 0 ? 1 : 0;
    if (!vcpu.is_busy()) continue;
    busy++;
    last = vcpu.vcpu_id;
  }
  if (busy == all) return "Works " + of_time(facts, ns);
  if (busy == 1)
    return fmt::format("Its vCPU {} does nothing but work, one of {} ({})", last, all,
                       time_text(ns));
  return fmt::format("{} of its {} vCPUs do nothing but work ({})", busy, all, time_text(ns));
}

std::string storm_text(const SentenceFacts& facts) {
  const auto storm = exit_storm(facts.point).value_or(SlowdownPoint::Exit{});
  const auto ns = facts.of(SlowdownKind::kExitStorm);
  return fmt::format("{} {} exits take {} of its CPU time ({})", count_text(storm.count),
                     storm.reason, share_text(ns, on_cpu_ns(facts.point.state_ns)), time_text(ns));
}

KindSentence own_work(const SentenceFacts& facts, const KindTime& took) {
  const auto storm_ns = facts.of(SlowdownKind::kExitStorm);
  if (storm_ns != 0) {
    const auto told_ns = took.ns + storm_ns;
    return {told_ns, fmt::format("{}: a load of its own, and {}.", works(facts, told_ns),
                                 storm_text(facts))};
  }
  const auto taken_ns = state(facts, FLOW_READY) + state(facts, FLOW_THROTTLED);
  return {took.ns, fmt::format("{}: a load of its own{}.", works(facts, took.ns),
                               is_share(taken_ns, facts.point.wanted_ns(), 0.01)
                                   ? ""
                                   : ", nothing takes the CPU from it")};
}

constexpr std::string_view kBlind =
    "What it does is not known: KVM reports neither VM entries nor VM exits of it.";

/// By what its own time is made of.
KindSentence untold(const SentenceFacts& facts, const KindTime& took) {
  const auto work_ns = facts.own(SlowdownKind::kOwnWork);
  const auto disk_ns = facts.own(SlowdownKind::kOwnDisk);
  const auto threads_ns = facts.own(SlowdownKind::kOwnThreads);
  if (work_ns >= std::max(disk_ns, threads_ns)) {
    if (is_blind(facts)) return {took.ns, std::string(kBlind)};
    return {work_ns, fmt::format("{}: {}.", works(facts, work_ns), kWhichIsUntold)};
  }
  if (disk_ns >= threads_ns)
    return {disk_ns, fmt::format("{}: {}.", own_disk(facts, disk_ns), kWhichIsUntold)};
  return without_cpu(
      facts, threads_ns,
      fmt::format("{}: {}", have_it(facts, kOwnThreads, threads_ns), kWhichIsUntold));
}

KindSentence by_the_table(const SentenceFacts& facts, const KindTime& took) {
  return {took.ns,
          fmt::format("Is slowed {}: {}.", of_time(facts, took.ns), slowdown_rule(took.kind).text)};
}

uint64_t guest_ns(const SentenceFacts& facts) {
  return state(facts, FLOW_GUEST) + state(facts, FLOW_GUEST_NESTED);
}

}  // namespace

bool is_blind(const SentenceFacts& facts) {
  return guest_ns(facts) == 0 && facts.vm.exits.empty() &&
         is_share(on_cpu_ns(facts.point.state_ns), facts.point.whole_ns(), 0.05);
}

KindSentence slowdown_sentence(const SentenceFacts& facts, const KindTime& took) {
  switch (took.kind) {
    case SlowdownKind::kCpuOtherVm:
      return taken_by(facts, took, FLOW_CULPRIT_OTHER_VM, "", "another VM, not known which,");
    case SlowdownKind::kCpuHostTask:
      return taken_by(facts, took, FLOW_CULPRIT_HOST_TASK, "the host's ", "the host itself");
    case SlowdownKind::kCpuKernelThread:
      return taken_by(facts, took, FLOW_CULPRIT_KERNEL_THREAD, "the host's ",
                      "a kernel thread of the host");
    case SlowdownKind::kCpuInterrupts:
      return without_cpu(facts, took.ns, have_it(facts, "the host's interrupts", took.ns));
    case SlowdownKind::kCpuIdle:
      return taken_by_idle(facts, took);
    case SlowdownKind::kCpuUnknown:
      return taken_by_unknown(facts, took);
    case SlowdownKind::kQuota:
      return of_its_time(facts, took, "Its CPU quota stops it {}.");
    case SlowdownKind::kMemory:
      return blocked(facts, took, "a page of its memory is not there");
    case SlowdownKind::kVmmIo:
      return blocked(facts, took, "the VMM reads or writes");
    case SlowdownKind::kVmmLock:
      return blocked(facts, took, "it waits for a lock of the VMM");
    case SlowdownKind::kVmmOther:
      return blocked(facts, took, "in what is not known");
    case SlowdownKind::kPaused:
      return of_its_time(facts, took, "Is stopped {}, by its VMM or a debugger.");
    case SlowdownKind::kDiskOtherVm:
      return disk(facts, "it serves other VMs", facts.point.disk_waited_ns, "the requests'");
    case SlowdownKind::kDiskHeld:
      return disk(facts, "its io.max holds requests back", facts.point.disk_held_ns, "their");
    case SlowdownKind::kOwnDisk:
      return {took.ns, own_disk(facts, took.ns) + "."};
    case SlowdownKind::kDiskUntold:
      return of_its_time(facts, took, "Waits for its disk {}: whose fault that is is not known.");
    case SlowdownKind::kEmulation:
      return of_its_time(facts, took, "Its VMM works {} for it: look at its emulated devices.");
    case SlowdownKind::kExitStorm:
      return {took.ns, fmt::format("An exit storm of its own: {}.", storm_text(facts))};
    case SlowdownKind::kOwnWork:
      return own_work(facts, took);
    case SlowdownKind::kOwnThreads:
      return without_cpu(facts, took.ns, have_it(facts, kOwnThreads, took.ns));
    case SlowdownKind::kUntold:
      return untold(facts, took);
    case SlowdownKind::kUnaccounted:
      return of_its_time(facts, took,
                         "What happens to it is not known: the trace does not account for {}.");
    case SlowdownKind::kDiskSlow:
    case SlowdownKind::kNetBackend:
    case SlowdownKind::kNestedHypervisors:
    case SlowdownKind::kProcesses:
      break;
  }
  return by_the_table(facts, took);
}

std::string unhurt_sentence(const SentenceFacts& facts) {
  if (is_blind(facts)) return std::string(kBlind);
  const auto whole_ns = facts.point.whole_ns();
  if (is_share(guest_ns(facts), whole_ns, 0.6))
    return fmt::format("Nothing hurts it: it works {}.", of_time(facts, guest_ns(facts)));
  const auto idle_ns = state(facts, FLOW_HALTED) + state(facts, FLOW_HALT_POLL);
  if (!is_share(idle_ns, whole_ns, 0.6)) return "Nothing hurts it: it works.";
  const auto most = std::ranges::max_element(facts.vm.wait_ns);
  const auto reason = static_cast<WaitReason>(most - facts.vm.wait_ns.begin());
  auto until = fmt::format("until its {} wakes it", wait_reason_name(reason));
  if (*most == 0 || reason == WaitReason::kUnknown) until = "until what is not known";
  if (*most != 0 && reason == WaitReason::kTask) until = "until another vCPU of it wakes it";
  return fmt::format("Nothing hurts it: it sleeps {}, {}.", of_time(facts, idle_ns), until);
}

}  // namespace vmflow
