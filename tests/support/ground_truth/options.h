// SPDX-License-Identifier: GPL-2.0-only
// What the command line chooses.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vmflow::ground_truth {

enum class Program { kCpuid, kSpin, kHlt, kPio, kMsr, kIpi, kMixed, kIrq, kFault, kVmrun };

/// What the VMM does during a port access.
enum class PioMode { kSleep, kBurn };

struct Options {
  Program program = Program::kCpuid;
  std::uint64_t count = 0;                  // rounds of the programs that count
  std::chrono::nanoseconds duration{};      // of spin and mixed
  std::chrono::nanoseconds timer_period{};  // of hlt, mixed and ipi; of irq the device's
  std::uint64_t timer_vector = 0;
  std::chrono::nanoseconds page_delay{};  // of fault
  bool interrupts_on = false;             // of fault
  std::string read_file;                  // of irq: what the device reads before each interrupt
  std::string read_tap;
  std::chrono::nanoseconds read_delay{};  // a packet waits so long in the tap
  bool echo = false;                      // each packet is sent back
  bool vhost = false;                     // the kernel reads the tap
  std::chrono::nanoseconds pio_time{};    // of each access of pio and mixed
  PioMode pio_mode = PioMode::kSleep;
  std::uint64_t spin_loops = 0;  // of each round of mixed, and of the guest that vmrun runs
  std::uint64_t own_loops = 0;   // of cpuid, and of vmrun itself

  std::size_t vcpus = 1;
  std::size_t vms = 1;
  std::size_t repeat = 1;
  std::vector<int> pins;  // pCPUs, dealt to the vCPUs round robin; empty: anywhere
  std::optional<std::chrono::milliseconds> kick_every;
  std::chrono::milliseconds linger{};
  std::chrono::seconds limit{};
  bool busy_helper = false;
  bool wait_stdin = false;
  bool hold = false;
};

}  // namespace vmflow::ground_truth
