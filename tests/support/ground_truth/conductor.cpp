// SPDX-License-Identifier: GPL-2.0-only
#include "conductor.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "handles.h"

namespace vmflow::ground_truth {

void die(const std::string& message) {
  fmt::print(stderr, "ground_truth: {}\n", message);
  // The other threads are in KVM_RUN or wait for each other: the kernel takes the VMs down.
  std::_Exit(EXIT_FAILURE);
}

Conductor::Conductor(std::optional<std::chrono::milliseconds> kick_every)
    : kick_every_(kick_every) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // no SA_RESTART: KVM_RUN shall return
  if (::sigaction(SIGUSR1, &action, nullptr) != 0) throw system_failure("sigaction");
}

Conductor::Ticket Conductor::enter(Performance performance) {
  const std::lock_guard lock(mutex_);
  running_.push_front(performance);
  if (performance.stop_at) changed_.notify_one();
  return running_.begin();
}

std::uint64_t Conductor::leave(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto kicks = ticket->kicks;
  running_.erase(ticket);
  return kicks;
}

void Conductor::finished() {
  const std::lock_guard lock(mutex_);
  ++finished_;
  changed_.notify_one();
}

void Conductor::conduct(std::size_t threads, std::chrono::seconds limit) {
  std::unique_lock lock(mutex_);
  const auto start = SteadyClock::now();
  const auto deadline = start + limit;
  if (kick_every_) kick_at_ = start + *kick_every_;
  while (finished_ < threads) {
    changed_.wait_until(lock, next_event(deadline));
    const auto now = SteadyClock::now();
    if (finished_ < threads && now >= deadline) {
      die(fmt::format("the guests did not end within --max-seconds {}", limit.count()));
    }
    set_due_stop_flags(now);
    kick_if_due(now);
  }
}

SteadyClock::time_point Conductor::next_event(SteadyClock::time_point deadline) const {
  auto next = deadline;
  if (kick_every_) next = std::min(next, kick_at_);
  for (const auto& vcpu : running_) {
    if (vcpu.stop_at) next = std::min(next, *vcpu.stop_at);
  }
  return next;
}

void Conductor::set_due_stop_flags(SteadyClock::time_point now) {
  for (auto& vcpu : running_) {
    if (!vcpu.stop_at || now < *vcpu.stop_at) continue;
    std::atomic_ref(*vcpu.stop_flag).store(1);
    vcpu.stop_at.reset();
  }
}

void Conductor::kick_if_due(SteadyClock::time_point now) {
  if (!kick_every_ || now < kick_at_) return;
  for (auto& vcpu : running_) {
    if (::syscall(SYS_tgkill, ::getpid(), vcpu.tid, SIGUSR1) == 0) ++vcpu.kicks;
  }
  kick_at_ += *kick_every_;
  if (kick_at_ < now) kick_at_ = now + *kick_every_;  // a late helper does not kick in bursts
}

}  // namespace vmflow::ground_truth
