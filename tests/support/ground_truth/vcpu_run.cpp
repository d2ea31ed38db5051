// SPDX-License-Identifier: GPL-2.0-only
#include "vcpu_run.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace vmflow::ground_truth {
namespace {

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}
std::int64_t thread_cpu_ns() {
  return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void sleep_until(std::int64_t monotonic) {
  const timespec until{monotonic / 1'000'000'000, monotonic % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

void serve_access(const Options& options, PioTruth& pio) {
  const auto wall = monotonic_ns();
  const auto cpu = thread_cpu_ns();
  if (options.pio_mode == PioMode::kSleep) {
    sleep_until(wall + options.pio_time.count());
  } else {
    while (thread_cpu_ns() - cpu < options.pio_time.count()) {
    }
  }
  pio.cpu_ns += thread_cpu_ns() - cpu;
  pio.wall_ns += monotonic_ns() - wall;
  ++pio.count;
}

/// Returns false if the guest program has ended.
bool serve_io(const Vcpu& vcpu, const Options& options, PioTruth& pio) {
  const auto port = vcpu.run().io.port;
  if (port == GUEST_PORT_DONE) return false;
  if (port == GUEST_PORT_FAULT) {
    throw std::runtime_error(fmt::format("the guest took exception {}", vcpu.io_byte()));
  }
  if (port != GUEST_PORT_WORK) {
    throw std::runtime_error(fmt::format("the guest accessed unknown port {:#x}", port));
  }
  serve_access(options, pio);
  return true;
}

std::string describe_exit(const Vcpu& vcpu) {
  kvm_regs regs{};
  (void)::ioctl(vcpu.fd(), KVM_GET_REGS, &regs);
  const auto& run = vcpu.run();
  std::string detail;
  if (run.exit_reason == KVM_EXIT_INTERNAL_ERROR) {
    detail = fmt::format(", suberror {}", run.internal.suberror);
  }
  if (run.exit_reason == KVM_EXIT_FAIL_ENTRY) {
    detail = fmt::format(", hardware reason {:#x}", run.fail_entry.hardware_entry_failure_reason);
  }
  return fmt::format("unexpected userspace exit {}{} at guest RIP {:#x}", run.exit_reason, detail,
                     regs.rip);
}

/// A KVM_RUN that returns before it enters the guest, between two readings of the clock: whoever
/// counts from the first KVM_RUN has begun between them.
void run_for_nothing(const Vcpu& vcpu, VcpuTruth& truth) {
  vcpu.set_immediate_exit(true);
  truth.first_run_ns = monotonic_ns();
  const int result = ::ioctl(vcpu.fd(), KVM_RUN, nullptr);
  truth.first_return_ns = monotonic_ns();
  vcpu.set_immediate_exit(false);
  if (result == 0 || errno != EINTR) throw std::runtime_error("KVM_RUN ignores immediate_exit");
  ++truth.run_calls;
}

/// The KVM_RUN loop: fills what it can count and the two times right around it.
void run_until_done(const Vcpu& vcpu, const Options& options, VcpuTruth& truth) {
  std::uint64_t io = 0;
  std::uint64_t intr = 1;  // of run_for_nothing()
  for (bool going = true; going;) {
    ++truth.run_calls;
    const int result = ::ioctl(vcpu.fd(), KVM_RUN, nullptr);
    truth.last_return_ns = monotonic_ns();
    if (result < 0 && errno == EINTR) {
      ++intr;
    } else if (result < 0) {
      throw system_failure("KVM_RUN");
    } else if (vcpu.run().exit_reason == KVM_EXIT_IO) {
      ++io;
      going = serve_io(vcpu, options, truth.pio);
    } else {
      throw std::runtime_error(describe_exit(vcpu));
    }
  }
  truth.userspace_exits = {{"io", io}, {"intr", intr}};
}

/// Only what the guest counted. The LAPIC's MSRs and the interrupts are left out: whether they
/// exit depends on the CPU.
std::map<std::string, std::uint64_t> known_exits(const GuestParams& params) {
  std::map<std::string, std::uint64_t> exits{{"io", params.outs}};
  if (params.cpuids != 0) exits["cpuid"] = params.cpuids;
  if (params.hlts != 0) exits["hlt"] = params.hlts;
  if (params.msrs != 0) exits["msr"] = params.msrs;
  if (params.vmruns != 0) exits["vmrun"] = params.vmruns;
  return exits;
}

bool runs_for_a_time(Program program) {
  return program == Program::kSpin || program == Program::kMixed;
}

}  // namespace

const char* entry_of(Program program, std::size_t vcpu) {
  switch (program) {
    case Program::kCpuid:
      return guest_cpuid;
    case Program::kSpin:
      return guest_spin;
    case Program::kHlt:
      return guest_hlt;
    case Program::kPio:
      return guest_pio;
    case Program::kMsr:
      return guest_msr;
    case Program::kIpi:
      return vcpu == 0 ? guest_ipi_first : guest_ipi_second;
    case Program::kMixed:
      return guest_mixed;
    case Program::kIrq:
      return guest_irq;
    case Program::kFault:
      return guest_fault;
    case Program::kVmrun:
      return guest_vmrun;
  }
  throw std::logic_error("no such program");
}

void set_params(const KvmVm& vm, const Options& options) {
  for (std::size_t index = 0; index < options.vcpus; ++index) {
    const std::size_t peer = index ^ 1;
    auto& params = vm.params(index);
    params.count = options.count;
    params.timer_ns = static_cast<std::uint64_t>(options.timer_period.count());
    params.takes_interrupts = options.interrupts_on ? 1 : 0;
    params.timer_vector = options.timer_vector;
    params.spin_loops = options.spin_loops;
    params.own_loops = options.own_loops;
    params.peer_page = KvmVm::params_address(peer);
    params.peer_apic_id = peer;
  }
}

VcpuTruth run_vcpu(const KvmVm& vm, std::size_t index, const Options& options,
                   Conductor& conductor) {
  VcpuTruth truth;
  truth.vcpu = index;
  truth.tid = ::gettid();
  const auto& vcpu = vm.vcpu(index);
  auto& params = vm.params(index);

  Performance performance{.tid = truth.tid, .stop_flag = &params.stop, .stop_at = {}, .kicks = 0};
  if (runs_for_a_time(options.program)) performance.stop_at = SteadyClock::now() + options.duration;
  const auto ticket = conductor.enter(performance);

  SchedStatSpan schedstat;
  schedstat.begin();
  const auto cpu = thread_cpu_ns();
  run_for_nothing(vcpu, truth);
  run_until_done(vcpu, options, truth);
  truth.cpu_after_return_ns = thread_cpu_ns();
  truth.thread_cpu_ns = truth.cpu_after_return_ns - cpu;
  schedstat.end();
  truth.schedstat = schedstat.difference();

  truth.kicks = conductor.leave(ticket);
  truth.exits = known_exits(params);
  truth.interrupts = params.interrupts;
  truth.kvm_stats = read_kvm_stats(vcpu.fd());
  return truth;
}

void note_thread_end(VcpuTruth& truth) {
  truth.cpu_after_return_ns = thread_cpu_ns() - truth.cpu_after_return_ns;
  truth.thread_end_ns = monotonic_ns();
}

}  // namespace vmflow::ground_truth
