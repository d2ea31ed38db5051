// SPDX-License-Identifier: GPL-2.0-only
// ground_truth: runs guests whose truth is known by construction and prints that truth.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string_view>
#include <thread>

#include "runner.h"

namespace vmflow::ground_truth {
namespace {

constexpr auto kFooter = R"(
-name TEXT and -uuid TEXT are accepted as QEMU spells them, and ignored: they show in the
command line of the process. Options may stand before or after the program.

Examples:
  ground_truth cpuid --count 3001
  ground_truth hlt --period-us 100 --count 1000 --pin 1
  ground_truth pio --count 20 --mode burn --us 5000 --vms 2
  ground_truth spin --seconds 2 --vcpus 2 --pin 0 --kick-every-ms 10
  ground_truth cpuid --count 7 --repeat 20 --hold -name guest=web -uuid 1-2-3

Output: one JSON object. "exits" has only VM exits known by construction; a cause that is not
listed is not known. "io" counts the OUT to the done port that ends every program. Times are
CLOCK_MONOTONIC. Status 1 and one line on stderr if anything fails.)";

/// The command line's own units, before they become those of Options.
struct Arguments {
  Options options;
  double seconds = 1;
  std::uint64_t period_us = 1000;
  std::uint64_t ipi_period_us = 0;
  std::uint64_t page_delay_us = 10'000;
  std::uint64_t pio_us = 100;
  std::uint64_t read_delay_us = 0;
  std::uint64_t kick_every_ms = 0;
  std::uint64_t linger_ms = 0;
  std::uint64_t max_seconds = 120;
  std::uint64_t guest_loops = 0;
};

void add_count(CLI::App& program, Arguments& arguments) {
  program.add_option("--count", arguments.options.count, "how often")
      ->required()
      ->check(CLI::PositiveNumber);
}

void add_seconds(CLI::App& program, Arguments& arguments) {
  program.add_option("--seconds", arguments.seconds, "how long")
      ->required()
      ->check(CLI::PositiveNumber);
}

void add_period(CLI::App& program, Arguments& arguments) {
  program.add_option("--period-us", arguments.period_us, "the LAPIC timer's time to its interrupt")
      ->capture_default_str()
      ->check(CLI::Range(1, 4294967));  // 32 bits of nanoseconds
}

void add_pio(CLI::App& program, Arguments& arguments) {
  static const std::map<std::string, PioMode> kModes{{"sleep", PioMode::kSleep},
                                                     {"burn", PioMode::kBurn}};
  program.add_option("--mode", arguments.options.pio_mode, "what the VMM does in an access")
      ->transform(CLI::CheckedTransformer(kModes))
      ->option_text("sleep|burn [sleep]");
  program
      .add_option("--us", arguments.pio_us,
                  "time of an access: that it sleeps, or CPU time that it burns")
      ->capture_default_str();
}

void add_programs(CLI::App& app, Arguments& arguments) {
  auto& options = arguments.options;
  const auto add = [&](const char* name, const char* description, Program program) -> CLI::App& {
    auto* command = app.add_subcommand(name, description)->fallthrough();
    command->callback([&options, program] { options.program = program; });
    return *command;
  };
  auto& cpuid = add("cpuid", "CPUID instructions", Program::kCpuid);
  add_count(cpuid, arguments);
  cpuid.add_option("--own-loops", options.own_loops, "loop turns before each");
  add_seconds(add("spin", "reads memory without exits for a time", Program::kSpin), arguments);
  auto& hlt = add("hlt", "HLT woken by the vCPU's own LAPIC timer", Program::kHlt);
  add_count(hlt, arguments);
  add_period(hlt, arguments);
  auto& pio = add("pio", "port accesses, in which the VMM sleeps or burns time", Program::kPio);
  add_count(pio, arguments);
  add_pio(pio, arguments);
  add_count(add("msr", "RDMSR that KVM serves in the kernel", Program::kMsr), arguments);
  auto& ipi = add("ipi", "two vCPUs that wake each other from HLT", Program::kIpi);
  add_count(ipi, arguments);
  ipi.add_option("--period-us", arguments.ipi_period_us,
                 "the first one sleeps so long by its timer before it wakes the second [0]")
      ->check(CLI::Range(1, 4294967));
  auto& irq = add("irq", "HLT woken by a device of the VMM", Program::kIrq);
  add_count(irq, arguments);
  add_period(irq, arguments);
  irq.add_option("--read", options.read_file,
                 "a disk: it reads a block of this before each interrupt");
  irq.add_option(
      "--tap", options.read_tap,
      "a network card: it raises an interrupt for each packet of this tap, and has no period");
  irq.add_option("--read-delay-us", arguments.read_delay_us,
                 "lets each packet wait so long in the tap before it is read [0]");
  irq.add_flag("--echo", options.echo, "sends each packet back into the tap");
  irq.add_flag("--vhost", options.vhost,
               "lets the kernel (vhost-net) read the tap and raise the interrupt");
  auto& fault = add("fault", "reads pages that come after a delay", Program::kFault);
  fault.add_option("--count", options.count, "how many pages")
      ->required()
      ->check(CLI::Range(1, GUEST_SLOW_PAGES));
  fault.add_option("--delay-us", arguments.page_delay_us, "how long each takes")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  fault.add_flag(
      "--interrupts", options.interrupts_on,
      "takes interrupts meanwhile: KVM halts the vCPU instead of letting it sleep in the fault");
  auto& vmrun = add("vmrun", "runs a guest of its own (SVM) up to its CPUID", Program::kVmrun);
  add_count(vmrun, arguments);
  vmrun.add_option("--own-loops", options.own_loops, "loop turns of its own before each VMRUN");
  vmrun.add_option("--guest-loops", arguments.guest_loops,
                   "loop turns of its guest before each CPUID");
  auto& mixed = add("mixed", "spin, CPUID, port access, timer HLT in turn", Program::kMixed);
  add_seconds(mixed, arguments);
  add_period(mixed, arguments);
  add_pio(mixed, arguments);
  options.spin_loops = 100'000;
  mixed.add_option("--spin-loops", options.spin_loops, "loop turns of a spin")
      ->capture_default_str();
}

void add_common(CLI::App& app, Arguments& arguments) {
  auto& options = arguments.options;
  app.add_option("--vcpus", options.vcpus, "vCPUs of a VM; each runs the program (ipi: always 2)")
      ->check(CLI::Range(std::size_t{1}, kMaxVcpus));
  app.add_option("--vms", options.vms, "VMs at once in this process")->check(CLI::Range(1, 256));
  app.add_option("--pin", options.pins, "pCPUs of the vCPU threads, round robin: CPU[,CPU...]")
      ->delimiter(',')
      ->check(CLI::Range(0, 1023));
  options.timer_vector = GUEST_VECTOR_TIMER;
  app.add_option("--timer-vector", options.timer_vector, "the interrupt vector of the LAPIC timer")
      ->capture_default_str()
      ->check(CLI::Range(32, 254));
  app.add_option("--repeat", options.repeat, "creates, runs and destroys the VM R times in turn")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--kick-every-ms", arguments.kick_every_ms,
                 "kicks the vCPU threads out of KVM_RUN by a signal")
      ->check(CLI::PositiveNumber);
  app.add_option("--linger-ms", arguments.linger_ms,
                 "keeps the last VMs this long after the output, their vCPU threads ended");
  app.add_flag(
      "--busy-helper", options.busy_helper,
      "a thread of the VMM, which runs no vCPU, computes until they end, on the first one's pCPU");
  app.add_flag("--hold", options.hold,
               "keeps the last VMs after the output until a newline or the end of stdin");
  app.add_flag("--wait-stdin", options.wait_stdin,
               "creates the VMs, prints ready to stderr, runs them after a newline on stdin");
  app.add_option("--max-seconds", arguments.max_seconds, "fails if the guests take longer")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
}

Options in_units_of_options(const Arguments& arguments) {
  Options options = arguments.options;
  options.duration = std::chrono::nanoseconds(static_cast<std::int64_t>(arguments.seconds * 1e9));
  options.timer_period = std::chrono::microseconds(arguments.period_us);
  options.pio_time = std::chrono::microseconds(arguments.pio_us);
  options.linger = std::chrono::milliseconds(arguments.linger_ms);
  options.limit = std::chrono::seconds(arguments.max_seconds);
  if (arguments.kick_every_ms != 0) {
    options.kick_every = std::chrono::milliseconds(arguments.kick_every_ms);
  }
  if (options.program == Program::kIpi) {
    options.vcpus = 2;
    options.timer_period = std::chrono::microseconds(arguments.ipi_period_us);
  }
  if (options.program == Program::kVmrun) options.spin_loops = arguments.guest_loops;
  options.read_delay = std::chrono::microseconds(arguments.read_delay_us);
  options.page_delay = std::chrono::microseconds(arguments.page_delay_us);
  // Of more vCPUs each would touch what another has touched, or run its guest.
  if (options.program == Program::kIrq || options.program == Program::kFault ||
      options.program == Program::kVmrun)
    options.vcpus = 1;
  return options;
}

/// Leaves out -name TEXT and -uuid TEXT: to CLI11 they would be groups of one-letter options.
std::vector<char*> without_qemu_options(int argc, char** argv) {
  std::vector<char*> kept;
  for (int index = 0; index < argc; ++index) {
    const std::string_view argument = argv[index];
    if (argument == "-name" || argument == "-uuid") {
      ++index;
    } else {
      kept.push_back(argv[index]);
    }
  }
  return kept;
}

int run_and_print(const Options& options, const std::string& program) {
  Runner runner(options);
  const auto vms = runner.run();
  fmt::print("{}\n", to_json({program, ::getpid(), options.repeat, vms}));
  if (std::fflush(stdout) != 0) die("cannot write to stdout");
  std::this_thread::sleep_for(options.linger);
  if (options.hold) {
    std::string line;
    std::getline(std::cin, line);
  }
  return EXIT_SUCCESS;
}

int ground_truth_main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Runs guests whose truth is known by construction, and prints that truth.");
  app.require_subcommand(1);
  app.footer(kFooter);
  add_common(app, arguments);
  add_programs(app, arguments);
  auto kept = without_qemu_options(argc, argv);
  try {
    app.parse(static_cast<int>(kept.size()), kept.data());
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    die(error.what());
  }
  return run_and_print(in_units_of_options(arguments), app.get_subcommands().front()->get_name());
}

}  // namespace
}  // namespace vmflow::ground_truth

int main(int argc, char** argv) try {
  return vmflow::ground_truth::ground_truth_main(argc, argv);
} catch (const std::exception& error) {
  vmflow::ground_truth::die(error.what());
}
