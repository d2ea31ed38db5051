// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/guest_threads.h"

#include <algorithm>
#include <map>
#include <set>

#include "analysis/guest_lane.h"

namespace vmflow {
namespace {

// arch/x86 THREAD_SIZE; user stacks lie further apart, and are used from their upper end.
constexpr uint64_t kKernelStack = 16 << 10;
constexpr uint64_t kUserStack = 2 << 20;
constexpr size_t kMostStacks = 65536;

struct Stack {
  bool is_user = false;
  uint64_t region = 0;
  auto operator<=>(const Stack&) const = default;
};

Stack stack_of(const GuestSample& sample) {
  const bool is_user = sample.cpl == kUserMode;
  return {is_user, sample.rsp / (is_user ? kUserStack : kKernelStack)};
}

class Threads {
 public:
  Threads(const AddressMasks& masks, const GuestProcessPlaces& places)
      : masks_(masks), places_(places), threads_(places.keys().size()) {}

  void take(const ReplayedVcpu& vcpu) {
    Last own, nested;
    for (const auto& sample : vcpu.samples) {
      auto& last = sample.vmcb12 == 0 ? own : nested;
      const auto process = places_.known(masks_.key(sample));
      if (sample.is_halt || process == kNoProcess) {
        last = {};
        continue;
      }
      const auto stack = stack_of(sample);
      if (users_.size() < kMostStacks) users_[stack].insert(process);
      if (process != last.process) last = {process, 0, {}};
      if (!stack.is_user) continue;
      if (last.ns != 0 && last.stack != stack) count_switch(vcpu, last, sample.ns);
      last = {process, sample.ns, stack};
    }
  }

  /// A stack that several processes are seen on is a CPU's, for interrupts, or a kernel thread's.
  std::vector<GuestThreads> all() && {
    std::vector<uint32_t> kernel(threads_.size(), 0);
    for (const auto& [stack, processes] : users_)
      for (const auto process : processes)
        if (stack.is_user)
          threads_[process].seen++;
        else if (processes.size() == 1)
          kernel[process]++;
    for (size_t i = 0; i < threads_.size(); i++)
      if (threads_[i].seen == 0) threads_[i].seen = kernel[i];
    return std::move(threads_);
  }

 private:
  /// The process that has the vCPU, and where it was in user mode last.
  struct Last {
    uint32_t process = kNoProcess;
    uint64_t ns = 0;
    Stack stack;
  };

  void count_switch(const ReplayedVcpu& vcpu, const Last& last, uint64_t ns) {
    threads_[last.process].switches++;
    const auto& given = vcpu.interrupts;
    const auto until = std::ranges::upper_bound(given, ns, {}, &GivenInterrupt::ns);
    if (until == given.begin() || std::prev(until)->ns < last.ns) return;
    if (std::prev(until)->kind == FLOW_WAKE_OWN_INTERRUPT) threads_[last.process].preempted++;
  }

  const AddressMasks& masks_;
  const GuestProcessPlaces& places_;
  std::vector<GuestThreads> threads_;
  std::map<Stack, std::set<uint32_t>> users_;
};

}  // namespace

std::vector<GuestThreads> guest_threads(std::span<const ReplayedVcpu* const> vcpus,
                                        const AddressMasks& masks,
                                        const GuestProcessPlaces& places) {
  Threads threads(masks, places);
  for (const auto* vcpu : vcpus) threads.take(*vcpu);
  return std::move(threads).all();
}

}  // namespace vmflow
