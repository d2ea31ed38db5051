// SPDX-License-Identifier: GPL-2.0-only
#include "runner.h"

#include <fmt/format.h>
#include <sched.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "handles.h"
#include "vcpu_run.h"

namespace vmflow::ground_truth {
namespace {

void wait_for_newline() {
  fmt::print(stderr, "ready\n");
  std::string line;
  std::getline(std::cin, line);
  if (std::cin.eof()) die("stdin ended before the newline that --wait-stdin waits for");
}

/// A thread can be joined a little before the scheduler reports its end; it is listed until then.
void wait_until_gone(pid_t tid) {
  const auto listed = fmt::format("/proc/self/task/{}", tid);
  while (std::filesystem::exists(listed)) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace

Runner::Slot::Slot(std::size_t index, const Options& options)
    : rounds(options.repeat), all_vcpus(static_cast<std::ptrdiff_t>(options.vcpus)) {
  for (std::size_t round = 0; round < options.repeat; ++round) {
    rounds[round].index = index;
    rounds[round].round = round;
    rounds[round].vcpus.resize(options.vcpus);
  }
}

Runner::Runner(const Options& options)
    : options_(options),
      conductor_(options.kick_every),
      created_(static_cast<std::ptrdiff_t>(options.vms * options.vcpus)) {
  for (std::size_t index = 0; index < options_.vms; ++index) {
    slots_.push_back(std::make_unique<Slot>(index, options_));
  }
}

std::vector<VmTruth> Runner::run() {
  std::vector<std::jthread> threads;
  for (auto& slot : slots_) {
    for (std::size_t vcpu = 0; vcpu < options_.vcpus; ++vcpu) {
      threads.emplace_back([this, &slot, vcpu] { run_thread(*slot, vcpu); });
    }
  }
  created_.wait();
  if (options_.wait_stdin) wait_for_newline();
  std::jthread helper;
  if (options_.busy_helper) {
    helper = std::jthread([this](const std::stop_token& stop) {
      pin_thread(0);
      while (!stop.stop_requested()) {
      }
    });
  }
  start_.count_down();
  conductor_.conduct(threads.size(), options_.limit);
  threads.clear();  // joins
  for (const auto& slot : slots_) {
    for (const auto& vcpu : slot->rounds.back().vcpus) wait_until_gone(vcpu.tid);
  }

  std::vector<VmTruth> truths;
  for (auto& slot : slots_) {
    if (slot->vm) slot->rounds.back().kvm_stats = read_kvm_stats(slot->vm->fd());
    for (auto& round : slot->rounds) truths.push_back(std::move(round));
  }
  return truths;
}

void Runner::run_thread(Slot& slot, std::size_t vcpu) try {
  pin_thread(slot.rounds.front().index * options_.vcpus + vcpu);
  for (std::size_t round = 0; round < options_.repeat; ++round) run_round(slot, vcpu, round);
  conductor_.finished();
  note_thread_end(slot.rounds.back().vcpus[vcpu]);
} catch (const std::exception& error) {
  die(error.what());
}

void Runner::run_round(Slot& slot, std::size_t vcpu, std::size_t round) {
  if (vcpu == 0) create_vm(slot);
  slot.all_vcpus.arrive_and_wait();
  if (round == 0) {
    created_.count_down();
    start_.wait();
  }
  slot.rounds[round].vcpus[vcpu] = run_vcpu(*slot.vm, vcpu, options_, conductor_);
  if (outlives_its_threads(round)) return;
  slot.all_vcpus.arrive_and_wait();
  if (vcpu != 0) return;
  slot.rounds[round].kvm_stats = read_kvm_stats(slot.vm->fd());
  slot.device.reset();
  slot.vm.reset();
}

void Runner::create_vm(Slot& slot) const {
  std::vector<const char*> entries;
  for (std::size_t vcpu = 0; vcpu < options_.vcpus; ++vcpu) {
    entries.push_back(entry_of(options_.program, vcpu));
  }
  slot.vm = std::make_unique<KvmVm>(entries);
  set_params(*slot.vm, options_);
  if (options_.program == Program::kFault) slot.vm->add_slow_memory(options_.page_delay);
  if (options_.program == Program::kVmrun) slot.vm->add_nested_guest();
  if (options_.program == Program::kIrq) slot.device = std::make_unique<Device>(*slot.vm, options_);
}

bool Runner::outlives_its_threads(std::size_t round) const {
  return round + 1 == options_.repeat && (options_.hold || options_.linger.count() > 0);
}

void Runner::pin_thread(std::size_t vcpu_of_all) const {
  if (options_.pins.empty()) return;
  const int cpu = options_.pins[vcpu_of_all % options_.pins.size()];
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof(set), &set) != 0) {
    throw system_failure(fmt::format("cannot pin a vCPU thread to CPU {}", cpu));
  }
}

}  // namespace vmflow::ground_truth
