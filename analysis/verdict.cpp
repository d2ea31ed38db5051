// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "analysis/amount_text.h"

namespace vmflow {
namespace {

/// What the sentences are made of.
struct Sums {
  const VmFlow& vm;
  std::span<const NamedCulprit> culprits;
  uint64_t whole_ns = 0;
  uint64_t on_cpu_ns = 0;
  uint64_t wanted_ns = 0;  ///< on a CPU, or without one

  uint64_t state(flow_state state) const { return vm.time.state_ns[state]; }
  uint64_t culprit(flow_culprit kind) const { return vm.culprit_ns[kind]; }
  uint64_t wait(WaitReason reason) const { return vm.wait_ns[static_cast<uint32_t>(reason)]; }
  /// "50 % of its time (1.25 s)"
  std::string of_time(uint64_t ns) const {
    return fmt::format("{} of its time ({})", share_text(ns, whole_ns), time_text(ns));
  }
};

Sums sums_of(const VmFlow& vm, std::span<const NamedCulprit> culprits) {
  Sums sums{.vm = vm, .culprits = culprits};
  const auto& ns = vm.time.state_ns;
  sums.whole_ns =
      std::accumulate(ns.begin(), ns.end(), vm.time.unaccounted_ns + vm.time.held_back_ns);
  sums.on_cpu_ns = on_cpu_ns(ns);
  sums.wanted_ns = wanted_ns(ns);
  return sums;
}

/// Is `part` at least this share? Shape: sums of a trace that contradicts itself may be of any
/// size.
bool is_share(uint64_t part, uint64_t whole, double share) {
  return static_cast<double>(part) >= static_cast<double>(whole) * share;
}

bool counts(const Sums& sums, uint64_t ns) {
  return ns > 0 && (is_share(ns, sums.whole_ns, 0.05) ||
                    (is_share(ns, sums.whole_ns, 0.01) && is_share(ns, sums.wanted_ns, 0.2)));
}

/// The worst one of these kinds, as a name; empty if none of them has one.
std::string worst(const Sums& sums, std::initializer_list<flow_culprit> kinds, uint64_t& its_ns) {
  const NamedCulprit* found = nullptr;
  for (const auto& row : sums.culprits)
    if (std::ranges::find(kinds, row.kind) != kinds.end() && !row.who.empty() &&
        (found == nullptr || row.ns > found->ns))
      found = &row;
  its_ns = found == nullptr ? 0 : found->ns;
  return found == nullptr ? std::string() : culprit_text(*found);
}

/// Ready time, of which some culprits have taken `ns`.
Verdict ready(const Sums& sums, Cause cause, uint64_t ns, const std::string& what) {
  return {cause, ns, sums.whole_ns,
          fmt::format("Has work but no CPU {}: {}.", sums.of_time(sums.state(FLOW_READY)), what)};
}

std::string has_it(const Sums& sums, const std::string& who, uint64_t ns) {
  return fmt::format("{} has it {} of that ({})", who, share_text(ns, sums.state(FLOW_READY)),
                     time_text(ns));
}

Verdict taken_by_vms(const Sums& sums) {
  const auto ns = sums.culprit(FLOW_CULPRIT_OTHER_VM);
  uint64_t worst_ns = 0;
  auto who = worst(sums, {FLOW_CULPRIT_OTHER_VM}, worst_ns);
  if (who.empty()) who = "another VM, not known which,", worst_ns = ns;
  return ready(sums, Cause::kOtherVm, ns, has_it(sums, who, worst_ns));
}

Verdict taken_by_itself(const Sums& sums) {
  const auto ns = sums.culprit(FLOW_CULPRIT_OWN_VM);
  return ready(sums, Cause::kInsideVm, ns,
               fmt::format("its own vCPUs and threads have it {} of that ({})",
                           share_text(ns, sums.state(FLOW_READY)), time_text(ns)));
}

Verdict taken_by_host(const Sums& sums) {
  const auto irq_ns = sums.culprit(FLOW_CULPRIT_IRQ);
  const auto ns =
      sums.culprit(FLOW_CULPRIT_HOST_TASK) + sums.culprit(FLOW_CULPRIT_KERNEL_THREAD) + irq_ns;
  uint64_t worst_ns = 0;
  auto who = worst(sums, {FLOW_CULPRIT_HOST_TASK, FLOW_CULPRIT_KERNEL_THREAD}, worst_ns);
  if (irq_ns > worst_ns)
    return ready(sums, Cause::kPlatform, ns,
                 fmt::format("the host's interrupts have it {} of that ({})",
                             share_text(irq_ns, sums.state(FLOW_READY)), time_text(irq_ns)));
  if (who.empty()) return ready(sums, Cause::kPlatform, ns, has_it(sums, "the host itself", ns));
  return ready(sums, Cause::kPlatform, ns, has_it(sums, "the host's " + who, worst_ns));
}

Verdict taken_by_nobody(const Sums& sums) {
  const auto ns = sums.culprit(FLOW_CULPRIT_NONE);
  return ready(sums, Cause::kPlatform, ns,
               fmt::format("the CPU was idle {} of that ({}), it is woken late",
                           share_text(ns, sums.state(FLOW_READY)), time_text(ns)));
}

Verdict taken_by_unknown(const Sums& sums) {
  uint64_t known = 0;
  for (uint32_t kind = 0; kind < FLOW_CULPRIT_UNKNOWN; kind++) known += sums.vm.culprit_ns[kind];
  const auto ready_ns = sums.state(FLOW_READY);
  return ready(sums, Cause::kUnknown, ready_ns - std::min(known, ready_ns),
               "who has it then is not known");
}

Verdict unaccounted(const Sums& sums) {
  const auto ns = sums.vm.time.unaccounted_ns;
  return {Cause::kUnknown, ns, sums.whole_ns,
          fmt::format("What happens to it is not known: the trace does not account for {}.",
                      sums.of_time(ns))};
}

Verdict throttled(const Sums& sums) {
  const auto ns = sums.state(FLOW_THROTTLED);
  return {Cause::kPlatform, ns, sums.whole_ns,
          fmt::format("Its CPU quota stops it {}.", sums.of_time(ns))};
}

std::string_view blocked_in(flow_block block) {
  switch (block) {
    case FLOW_BLOCK_MEMORY:
      return "a page of its memory is not there";
    case FLOW_BLOCK_IO:
      return "the VMM reads or writes";
    case FLOW_BLOCK_LOCK:
      return "it waits for a lock of the VMM";
    case FLOW_BLOCK_OTHER:
    case FLOW_BLOCKS:
      break;
  }
  return "in what is not known";
}

Verdict blocked(const Sums& sums) {
  const auto ns = sums.state(FLOW_VMM_BLOCKED);
  const auto most = std::ranges::max_element(sums.vm.block_ns);
  const auto block =
      *most == 0 ? FLOW_BLOCK_OTHER : static_cast<flow_block>(most - sums.vm.block_ns.begin());
  return {Cause::kPlatform, ns, sums.whole_ns,
          fmt::format("Waits for its VMM {}: {}.", sums.of_time(ns), blocked_in(block))};
}

Verdict paused(const Sums& sums) {
  const auto ns = sums.state(FLOW_PAUSED);
  return {Cause::kPlatform, ns, sums.whole_ns,
          fmt::format("Is stopped {}, by its VMM or a debugger.", sums.of_time(ns))};
}

Verdict emulated(const Sums& sums) {
  const auto ns = sums.state(FLOW_VMM);
  return {Cause::kPlatform, ns, sums.whole_ns,
          fmt::format("Its VMM works {} for it: look at its emulated devices.", sums.of_time(ns))};
}

/// Handling the exits of one reason takes much of its CPU time. Shape: few that take long are no
/// storm, but slow handling; emulated() and others tell it.
Verdict exit_storm(const Sums& sums) {
  constexpr uint64_t kSlowNs = 10'000'000;
  const auto top = std::ranges::max_element(sums.vm.exits, {}, &ExitFlow::ns);
  if (top == sums.vm.exits.end() || !is_share(top->ns, sums.on_cpu_ns, 0.3)) return {};
  if (top->ns / kSlowNs >= top->count) return {};
  return {Cause::kOwnLoad, top->ns, sums.whole_ns,
          fmt::format("An exit storm of its own: {} {} exits take {} of its CPU time ({}).",
                      count_text(top->count), top->reason, share_text(top->ns, sums.on_cpu_ns),
                      time_text(top->ns))};
}

Verdict disk(const Sums& sums) {
  const auto ns = sums.wait(WaitReason::kDisk);
  const auto text = fmt::format("Waits for its disk {}", sums.of_time(ns));
  if (!sums.vm.disk)
    return {Cause::kUnknown, ns, sums.whole_ns, text + ": whose fault that is is not known."};
  uint64_t requests_ns = 0;
  for (const auto& done : sums.vm.disk->done) requests_ns += done.ns;
  const auto others_ns = sums.vm.disk->waited_ns, held_ns = sums.vm.disk->held_ns;
  if (others_ns > held_ns && is_share(others_ns, requests_ns, 0.33))
    return {Cause::kOtherVm, ns, sums.whole_ns,
            fmt::format("{}: it serves other VMs {} of the requests' time.", text,
                        share_text(others_ns, requests_ns))};
  if (held_ns > 0 && is_share(held_ns, requests_ns, 0.33))
    return {Cause::kPlatform, ns, sums.whole_ns,
            fmt::format("{}: its io.max holds requests back {} of their time.", text,
                        share_text(held_ns, requests_ns))};
  return {Cause::kOwnLoad, ns, sums.whole_ns, text + ", which serves no other VM meanwhile."};
}

uint64_t guest_time(const TimeLedger& time) {
  return time.state_ns[FLOW_GUEST] + time.state_ns[FLOW_GUEST_NESTED];
}

/// A vCPU that does nothing but work, among others that do not.
std::optional<uint32_t> busy_vcpu(const VmFlow& vm) {
  for (const auto& vcpu : vm.per_vcpu) {
    const auto& ns = vcpu.time.state_ns;
    const auto whole = std::accumulate(ns.begin(), ns.end(), vcpu.time.unaccounted_ns);
    if (whole > 0 && is_share(guest_time(vcpu.time), whole, 0.9)) return vcpu.vcpu_id;
  }
  return std::nullopt;
}

/// What is said if nothing took much.
Verdict unhurt(const Sums& sums) {
  const auto guest_ns = guest_time(sums.vm.time);
  if (guest_ns == 0 && sums.vm.exits.empty() && is_share(sums.on_cpu_ns, sums.whole_ns, 0.05))
    return {Cause::kUnknown, 0, sums.whole_ns,
            "What it does is not known: KVM reports neither VM entries nor VM exits of it."};
  const auto idle_ns = sums.state(FLOW_HALTED) + sums.state(FLOW_HALT_POLL);
  if (is_share(guest_ns, sums.whole_ns, 0.6))
    return {Cause::kOwnLoad, 0, sums.whole_ns,
            fmt::format("Works {}: a load of its own, nothing takes the CPU from it.",
                        sums.of_time(guest_ns))};
  if (const auto vcpu = busy_vcpu(sums.vm))
    return {Cause::kOwnLoad, 0, sums.whole_ns,
            fmt::format("Its vCPU {} does nothing but work, one of {}: a load of its own.", *vcpu,
                        sums.vm.per_vcpu.size())};
  if (!is_share(idle_ns, sums.whole_ns, 0.6))
    return {Cause::kNothing, 0, sums.whole_ns, "Nothing hurts it: it works."};
  const auto most = std::ranges::max_element(sums.vm.wait_ns);
  const auto reason = static_cast<WaitReason>(most - sums.vm.wait_ns.begin());
  auto until = fmt::format("until its {} wakes it", wait_reason_name(reason));
  if (*most == 0 || reason == WaitReason::kUnknown) until = "until what is not known";
  if (*most != 0 && reason == WaitReason::kTask) until = "until another vCPU of it wakes it";
  return {Cause::kNothing, 0, sums.whole_ns,
          fmt::format("Nothing hurts it: it sleeps {}, {}.", sums.of_time(idle_ns), until)};
}

}  // namespace

std::string culprit_text(const NamedCulprit& culprit) {
  const auto pid = culprit.pid == 0 ? "" : fmt::format(" (pid {})", culprit.pid);
  switch (culprit.kind) {
    case FLOW_CULPRIT_OTHER_VM:
      return culprit.who.empty() ? "another VM, not known which" : culprit.who;
    case FLOW_CULPRIT_OWN_VM:
      return culprit.who.empty() ? "a vCPU or thread of its own" : "its own " + culprit.who;
    case FLOW_CULPRIT_HOST_TASK:
      return culprit.who.empty() ? "a task of the host, not known which" : culprit.who + pid;
    case FLOW_CULPRIT_KERNEL_THREAD:
      return culprit.who.empty() ? "a kernel thread, not known which" : culprit.who + pid;
    case FLOW_CULPRIT_NONE:
      return "nobody: the CPU was idle";
    case FLOW_CULPRIT_IRQ:
      return "interrupts";
    case FLOW_CULPRIT_UNKNOWN:
    case FLOW_CULPRITS:
      break;
  }
  return "unknown";
}

Verdict verdict_of(const VmFlow& vm, std::span<const NamedCulprit> culprits) {
  const auto sums = sums_of(vm, culprits);
  if (sums.whole_ns == 0) return {Cause::kUnknown, 0, 0, "The trace shows no time of it."};
  const std::vector<Verdict> found = {
      taken_by_vms(sums),     taken_by_itself(sums), taken_by_host(sums), taken_by_nobody(sums),
      taken_by_unknown(sums), throttled(sums),       blocked(sums),       paused(sums),
      exit_storm(sums),       emulated(sums),        disk(sums),          unaccounted(sums)};
  const auto worst = std::ranges::max_element(found, {}, &Verdict::cost_ns);
  return counts(sums, worst->cost_ns) ? *worst : unhurt(sums);
}

}  // namespace vmflow
