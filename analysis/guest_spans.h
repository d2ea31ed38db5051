// SPDX-License-Identifier: GPL-2.0-only
// Which guest process had a vCPU from when to when, as far as samples of its registers tell.
// Inside guest_process only.
//
// With nested paging a guest changes processes without an exit, so its page table root is known at
// exits only. Guest time between two exits that show the same root is that process'. Where they
// differ, the switch lies in between: it is the later one's, since an interrupt at the entry is
// what mostly makes a guest switch, but it counts as told by one sample alone.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "analysis/flow_replay_result.h"
#include "analysis/nested_visit.h"

namespace vmflow {

/// Shape: `cr3` without the bits that are no address; `nested_vm` 0: a process of the VM itself,
/// else of that guest of it, see nested_vm_ids().
struct GuestProcessKey {
  uint64_t nested_vm = 0;
  uint64_t cr3 = 0;
  auto operator<=>(const GuestProcessKey&) const = default;
};

constexpr uint32_t kNoProcess = ~uint32_t{0};

/// One process on one vCPU. Units: nanoseconds; what is between `begin_ns` and `end_ns` is the sum
/// of the others.
struct GuestSpan {
  uint32_t process = kNoProcess;
  uint32_t vcpu = 0;  ///< its place among the VM's
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint64_t certain_ns = 0;     ///< in the guest, the process at both ends
  uint64_t sampled_ns = 0;     ///< in the guest, at one end
  uint64_t host_ns = 0;        ///< in KVM or the VMM for its exits
  uint64_t blocked_ns = 0;     ///< the vCPU slept for a reason of the host's, or was stopped
  uint64_t nested_ns = 0;      ///< of a process that runs a guest: that had the vCPU
  uint64_t hypervisor_ns = 0;  ///< of a nested process: its hypervisor worked for its exits
  std::array<uint64_t, FLOW_CULPRITS> ready_ns{};  ///< the vCPU had no CPU, by who had it
  uint64_t exits = 0;
  bool left_on_timer = false;        ///< it lost the vCPU right after a timer's interrupt
  bool left_to_other_guest = false;  ///< its hypervisor took the vCPU for another guest

  uint32_t before = kNoProcess;  ///< who had the vCPU just before; none after a halt, or not known
  bool after_halt = false;
  /// The last interrupt before it came; absent: none was seen.
  std::optional<GivenInterrupt> came_by;
  /// Of a halt before it, what it waited for a CPU after its wake-up. Not within the span.
  std::array<uint64_t, FLOW_CULPRITS> latency_ns{};
};

/// What was on a vCPU. Shape: `certain_ns`, `sampled_ns` of the spans, `idle_ns` and `untold_ns`
/// sum to its guest time.
struct GuestTimes {
  uint64_t idle_ns = 0;    ///< between a halt and the next, nobody to tell of
  uint64_t untold_ns = 0;  ///< no sample at its end
};

/// Which bits of CR3 tell a process of one guest: a kernel with page-table isolation has two roots
/// side by side for each, of which user mode sees the upper one.
class RootBits {
 public:
  void take(std::span<const GuestSample> samples);
  void take(const GuestSample& sample);
  bool are_isolated() const;
  uint64_t mask() const;

 private:
  uint64_t user_ = 0, kernel_ = 0, contradicting_ = 0;
};

/// Which bits of CR3 tell the processes of a VM and of its guests, whose kernels are their own.
class AddressMasks {
 public:
  explicit AddressMasks(std::map<uint64_t, uint64_t> nested_vms) : nested_vms_(std::move(nested_vms)) {}

  void take(std::span<const GuestSample> samples);
  GuestProcessKey key(const GuestSample& sample) const;
  /// Of the VM's own kernel.
  bool are_isolated() const;

 private:
  uint64_t nested_vm(uint64_t vmcb12) const;

  std::map<uint64_t, uint64_t> nested_vms_;
  std::map<uint64_t, RootBits> roots_;
};

/// Turns keys into places of processes; kNoProcess for one too many.
class GuestProcessPlaces {
 public:
  static constexpr size_t kMost = 4096;  ///< a hostile guest may make up any number of roots

  uint32_t place(const GuestProcessKey& key);
  uint32_t known(const GuestProcessKey& key) const;
  const std::vector<GuestProcessKey>& keys() const { return keys_; }
  uint64_t left_out() const { return left_out_; }

 private:
  std::map<GuestProcessKey, uint32_t> places_;
  std::vector<GuestProcessKey> keys_;
  uint64_t left_out_ = 0;
};

/// Guest time of one level, and the part of it between a timer's interrupt and the next exit: so
/// large a share of what happens at any time happens there by chance. Units: nanoseconds.
struct AfterTimer {
  uint64_t ns = 0;
  uint64_t all_ns = 0;

  void add(const AfterTimer& more);
  double share() const;
};

/// Of one vCPU, by time: of processes of the VM, and of processes of its guests, which lie within
/// those of the processes that run them.
struct VcpuSpans {
  std::vector<GuestSpan> own;
  std::vector<GuestSpan> nested;
  AfterTimer own_after_timer{};
  AfterTimer nested_after_timer{};
};

/// `culprits` of the replay, for who had the CPU.
VcpuSpans guest_spans(const ReplayedVcpu& vcpu, uint32_t number, const AddressMasks& masks,
                      std::span<const ReplayCulprit> culprits, GuestProcessPlaces& places,
                      GuestTimes& times);

}  // namespace vmflow
