// SPDX-License-Identifier: GPL-2.0-only
// Lives of many vCPUs of two VMs on few CPUs, drawn at random by a little scheduler and a little
// KVM: they preempt one another, halt, sleep in the VMM, enter guests of their own, and move. Every
// event of theirs is there, in time order, and none contradicts another.
#pragma once

#include <array>
#include <random>
#include <vector>

#include "tests/analysis/thesis_row.h"

namespace vmflow::test {

/// Shape: with `told` the kernel side's decisions are among the events, and vCPU ids.
struct CrowdOptions {
  ExitWords words = kSvmWords;
  bool told = false;
  bool may_end = false;  ///< threads of vCPUs may end
  uint32_t vcpus = 6;
  uint32_t cpus = 3;
};

class DrawnCrowd {
 public:
  DrawnCrowd(uint32_t seed, const CrowdOptions& options) : random_(seed), options_(options) {
    vcpus_.resize(options.vcpus);
    for (uint32_t i = 0; i < options.vcpus; i++) {
      const uint32_t process = 100 + 100 * (i % 2);
      vcpus_[i].thread = {process + 1 + i, process, comm_of("CPU/KVM")};
      vcpus_[i].id = i / 2;
      vcpus_[i].kvm = process;
      // Each has been in the guest once, alone on a CPU, before it joins the crowd.
      const uint32_t cpu = options.cpus + 1 + i;
      on(vcpus_[i], cpu).at(later(), EntryEvent{id(vcpus_[i])});
      on(vcpus_[i], cpu).at(later(), options_.words.exit(options_.words.interrupt, id(vcpus_[i])));
      vcpus_[i].place = Place::kKvm;
      vcpus_[i].cpu = static_cast<int>(cpu);
      goes(vcpus_[i], FLOW_READY, 0);
    }
    running_.resize(options.cpus, nullptr);
  }

  std::vector<Event> events(uint32_t steps) {
    for (uint32_t i = 0; i < steps; i++) {
      Vcpu& vcpu = vcpus_[random_() % vcpus_.size()];
      if (vcpu.place == Place::kEnded) continue;
      if (vcpu.cpu < 0)
        away(vcpu);
      else if (vcpu.place == Place::kGuest)
        in_guest(vcpu);
      else if (vcpu.place == Place::kKvm)
        in_kvm(vcpu);
      else
        in_vmm(vcpu);
    }
    return trace_.events;
  }

 private:
  enum class Place { kGuest, kKvm, kVmm, kEnded };
  struct Vcpu {
    DrawnThread thread;
    uint32_t id = 0;
    uint64_t kvm = 0;
    Place place = Place::kKvm;
    int cpu = -1;                      ///< -1: it has none
    flow_state sleep = FLOW_READY;     ///< without a CPU: what for
    bool left_guest_silently = false;  ///< preempted in the guest: its exit is still to be told
    bool is_halting = false;           ///< its last exit was a HLT that nobody has handled
    bool has_halted = false;           ///< KVM is to tell the halt's end
    bool is_nested = false;            ///< an entry leads into its guest's guest
  };

  /// Events of several CPUs may meet.
  uint64_t later() { return now_ns_ += chance(8) ? below(3) : 2 + below(500); }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool chance(uint32_t in) { return below(in) == 0; }
  std::optional<uint32_t> id(const Vcpu& vcpu) const {
    return options_.told ? std::optional(vcpu.id) : std::nullopt;
  }
  DrawnTrace& on(const Vcpu& vcpu, uint32_t cpu) {
    return trace_.on(cpu, vcpu.thread, options_.told ? vcpu.kvm : 0);
  }
  DrawnTrace& on(const Vcpu& vcpu) { return on(vcpu, static_cast<uint32_t>(vcpu.cpu)); }

  void exits(Vcpu& vcpu, uint32_t code) {
    on(vcpu).at(later(), options_.words.exit(code, id(vcpu)));
    vcpu.place = Place::kKvm;
    vcpu.left_guest_silently = false;
    vcpu.is_halting = code == options_.words.halt;
    if (!vcpu.is_nested) return;
    on(vcpu).at(now_ns_, NestedExitEvent{});
    if (!vcpu.is_halting && !chance(3)) return;
    // Its HLT is the VM's own affair.
    on(vcpu).at(now_ns_, NestedReflectEvent{code});
    vcpu.is_nested = vcpu.is_halting = false;
  }

  void in_guest(Vcpu& vcpu) {
    const auto& words = options_.words;
    if (chance(8)) {
      vcpu.left_guest_silently = true;
      return leaves(vcpu, FLOW_READY, 0);
    }
    const uint32_t codes[] = {words.cpuid, words.io,        words.msr,  words.halt,
                              words.halt,  words.interrupt, words.fault};
    if (!vcpu.is_nested && chance(6)) {
      exits(vcpu, words.runs_guest);
      on(vcpu).at(later(), NestedEnterEvent{.vmcb12 = 0x1000 * (1 + random_() % 2), .root = 7});
      vcpu.is_nested = true;
      return;
    }
    exits(vcpu, codes[random_() % std::size(codes)]);
  }

  void in_kvm(Vcpu& vcpu) {
    if (vcpu.left_guest_silently) return exits(vcpu, options_.words.interrupt);
    if (vcpu.has_halted) {
      vcpu.has_halted = vcpu.is_halting = false;
      if (options_.told)
        on(vcpu).at(later(),
                    HaltEndEvent{
                        .halt_ns = 0, .polled_ns = random_() % 400, .waited = true, .valid = true});
      if (chance(2)) on(vcpu).accept(later(), vcpu.id);
      return;
    }
    if (vcpu.is_halting && !chance(4)) return leaves(vcpu, FLOW_HALTED, 1);
    switch (random_() % 6) {
      case 0:
        return leaves(vcpu, FLOW_READY, 0);
      case 1:
        if (vcpu.is_halting) break;  // blind: without the kernel side's word it would be a halt
        return leaves(vcpu, FLOW_VMM_BLOCKED, 2);
      case 2:
        on(vcpu).at(later(), UserspaceExitEvent{.reason = 2, .error = 0});
        vcpu.place = Place::kVmm;
        return;
      default:
        break;
    }
    on(vcpu).at(later(), EntryEvent{id(vcpu)});
    vcpu.place = Place::kGuest;
    vcpu.is_halting = false;
  }

  void in_vmm(Vcpu& vcpu) {
    switch (random_() % 8) {
      case 0:
        return leaves(vcpu, FLOW_VMM_BLOCKED, 1);
      case 1:
        return leaves(vcpu, FLOW_PAUSED, 4);
      case 2:
        return leaves(vcpu, FLOW_READY, 0);
      case 3:
        if (!options_.may_end || !chance(20)) break;
        on(vcpu).at(later(), ThreadExitEvent{vcpu.thread.tid});
        vcpu.place = Place::kEnded;
        return leaves(vcpu, FLOW_READY, 0x10);
      default:
        break;
    }
    // KVM_RUN, which only some recorders tell, and which then leads to an entry.
    if (options_.told) on(vcpu).at(later(), RunEvent{});
    if (!options_.told) on(vcpu).at(later(), EntryEvent{id(vcpu)});
    vcpu.place = options_.told ? Place::kKvm : Place::kGuest;
    vcpu.is_halting = false;
  }

  /// Its CPU goes to a task of the host, or idles.
  void leaves(Vcpu& vcpu, flow_state state, int64_t task_state) {
    running_[static_cast<size_t>(vcpu.cpu)] = nullptr;
    goes(vcpu, state, task_state);
  }
  void goes(Vcpu& vcpu, flow_state state, int64_t task_state) {
    switches(static_cast<uint32_t>(vcpu.cpu), &vcpu, nullptr, state, task_state);
  }

  /// One switch: `out`, or whoever has the CPU else, makes room for `in`, or for somebody else.
  void switches(uint32_t cpu, Vcpu* out, Vcpu* in, flow_state state, int64_t task_state) {
    const DrawnThread task{300 + cpu, 300 + cpu, comm_of("make")};
    const uint64_t ns = later();
    const bool is_throttled = out && state == FLOW_READY && chance(5);
    if (others_.size() <= cpu) others_.resize(cpu + 1, kIdle);
    const DrawnThread prev = out ? out->thread : others_[cpu];
    if (!in) others_[cpu] = chance(2) ? kIdle : task;
    trace_.on(cpu, prev).to(ns, in ? in->thread : others_[cpu], task_state);
    if (out) {
      if (options_.told && out->place != Place::kEnded)
        on(*out, cpu).at(
            ns,
            VcpuOutEvent{.state = state, .block = below(FLOW_BLOCKS), .throttled = is_throttled});
      out->cpu = -1;
      out->sleep = state;
      if (out->place == Place::kGuest) out->place = Place::kKvm;
    }
    if (!in) return;
    in->cpu = static_cast<int>(cpu);
    in->has_halted = in->sleep == FLOW_HALTED;
    if (options_.told) on(*in).at(ns, VcpuInEvent{in->place == Place::kKvm, 0, 0});
  }

  /// Asleep, it is woken; else it gets a CPU, whoever has it.
  void away(Vcpu& vcpu) {
    if (vcpu.sleep != FLOW_READY && !vcpu_is_woken(vcpu)) return wake(vcpu);
    const auto cpu = below(options_.cpus);
    Vcpu* holder = running_[cpu];
    if (chance(4))
      trace_.on(cpu, holder ? holder->thread : others_at(cpu))
          .at(later(), MigrateEvent{vcpu.thread.tid, cpu, cpu});
    if (holder && holder->place == Place::kGuest) holder->left_guest_silently = true;
    switches(cpu, holder, &vcpu, FLOW_READY, 0);
    running_[cpu] = &vcpu;
    woken_.erase(std::remove(woken_.begin(), woken_.end(), &vcpu), woken_.end());
  }
  const DrawnThread& others_at(uint32_t cpu) {
    if (others_.size() <= cpu) others_.resize(cpu + 1, kIdle);
    return others_[cpu];
  }
  bool vcpu_is_woken(const Vcpu& vcpu) const {
    return std::ranges::find(woken_, &vcpu) != woken_.end();
  }

  /// By an interrupt of the host, or a thread of its VMM, on a CPU of their own.
  void wake(Vcpu& vcpu) {
    const DrawnThread main{vcpu.thread.tgid, vcpu.thread.tgid, comm_of("qemu")};
    const bool is_irq = chance(2);
    trace_.on(99, is_irq ? kIdle : main);
    if (is_irq) trace_.at(later(), IrqEvent{.begins = true});
    if (!is_irq && chance(2)) trace_.accept(later(), vcpu.id);
    trace_.wakes(later(), vcpu.thread, below(options_.cpus));
    if (options_.told)
      trace_.at(now_ns_, WakeEvent{.tid = vcpu.thread.tid,
                                   .waker = flow_waker(100, below(FLOW_WAKE_KINDS))});
    if (is_irq) trace_.at(later(), IrqEvent{.begins = false});
    woken_.push_back(&vcpu);
  }

  std::mt19937 random_;
  CrowdOptions options_;
  DrawnTrace trace_;
  uint64_t now_ns_ = 1000;
  std::vector<Vcpu> vcpus_;
  std::vector<Vcpu*> running_, woken_;
  std::vector<DrawnThread> others_;  ///< who has a CPU that no vCPU has
};

}  // namespace vmflow::test
