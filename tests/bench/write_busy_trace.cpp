// SPDX-License-Identifier: GPL-2.0-only
// Writes a trace of so many events, as vmflow's ring records a busy host: for measuring what reads
// it.
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "agent/trigger/ctf_writer.h"

namespace vmflow {
namespace {

constexpr uint32_t kCpus = 4, kVmsOfCpu = 3;

/// One vCPU thread of a VM of its own, for ever on one CPU. Units: nanoseconds.
struct Vcpu {
  uint32_t tid = 0;
  uint64_t kvm = 0;
  uint64_t cr3 = 0;
  uint32_t turn = 0;
};

/// The vCPUs of a CPU by turns: each exits three times, halts, is woken by its timer while another
/// runs, and changes between two processes.
class Cpu {
 public:
  Cpu(uint32_t cpu, std::vector<Event>& events) : cpu_(cpu), events_(events) {
    for (uint32_t i = 0; i < kVmsOfCpu; i++) {
      const uint32_t tid = 1000 + 100 * (cpu * kVmsOfCpu + i);
      vcpus_[i] = {tid + 1, 0xffff888000000000 + 0x10000 * tid, 0x1000000, 0};
    }
  }

  void turn() {
    auto& vcpu = vcpus_[current_];
    vcpu.turn++;
    put(vcpu, VcpuInEvent{.in_kvm_run = true, .disk_pending_ns = 0, .net_pending_ns = 0});
    for (int exit = 0; exit < 3; exit++) {
      put(vcpu, EntryEvent{.vcpu_id = 0});
      leave(vcpu, exit == 0 ? 0x60 : 0x72);
    }
    put(vcpu, EntryEvent{.vcpu_id = 0});
    leave(vcpu, 0x78);
    auto& next = vcpus_[current_ = (current_ + 1) % kVmsOfCpu];
    put(vcpu, WakeEvent{.tid = next.tid, .waker = flow_waker(0, FLOW_WAKE_HARDIRQ)});
    put(vcpu, VcpuOutEvent{.state = FLOW_HALTED, .block = FLOW_BLOCK_OTHER, .throttled = false});
    put(vcpu, SwitchEvent{.prev_tid = vcpu.tid,
                          .next_tid = next.tid,
                          .prev_state = 1,
                          .preempted = false,
                          .prev_comm = kComm,
                          .next_comm = kComm});
  }

 private:
  static constexpr Comm kComm{'C', 'P', 'U', ' ', '0', '/', 'K', 'V', 'M'};

  void leave(const Vcpu& vcpu, uint32_t code) {
    put(vcpu, ExitEvent{.code = code, .isa = FLOW_ISA_SVM, .rip = 0x400000, .vcpu_id = 0});
    put(vcpu, RegistersEvent{
                  .cr3 = vcpu.cr3 + 0x1000 * (vcpu.turn / 4 % 2), .rsp = 0x7fff0000, .cpl = 3});
  }
  void put(const Vcpu& vcpu, EventData data) {
    events_.push_back({.ns = now_ns_ += 2000,
                       .cpu = cpu_,
                       .tid = vcpu.tid,
                       .tgid = vcpu.tid - 1,
                       .kvm = vcpu.kvm,
                       .data = std::move(data)});
  }

  const uint32_t cpu_;
  std::vector<Event>& events_;
  std::array<Vcpu, kVmsOfCpu> vcpus_;
  uint32_t current_ = 0;
  uint64_t now_ns_ = 1'000'000'000'000;
};

int write(const char* folder, uint64_t count) {
  std::vector<Event> events;
  events.reserve(count + 100);
  std::vector<Cpu> cpus;
  for (uint32_t cpu = 0; cpu < kCpus; cpu++) cpus.emplace_back(cpu, events);
  while (events.size() < count)
    for (auto& cpu : cpus) cpu.turn();
  CtfWriteOptions options;
  options.epoch_offset_ns = 1'700'000'000'000'000'000;
  const auto written = write_ctf(folder, events, options);
  if (!written) fmt::print(stderr, "{}\n", written.error().message);
  return written ? 0 : 1;
}

}  // namespace
}  // namespace vmflow

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: write_busy_trace FOLDER EVENTS\n");
    return 2;
  }
  return vmflow::write(argv[1], std::strtoull(argv[2], nullptr, 10));
}
