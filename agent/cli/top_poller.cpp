// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_poller.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "agent/cli/vm_watch.h"

namespace vmflow {
namespace {

using Clock = std::chrono::steady_clock;

/// A label as a part of a path (RFC 3986): whatever a tenant put into it.
std::string in_path(std::string_view label) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string path;
  for (const char c : label) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain)
      path += c;
    else
      path += std::string{'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return path;
}

std::string answer_to(AgentClient& agent, const std::string& path) {
  const auto answer = agent.get(path);
  return answer && answer->status == 200 ? answer->json : "";
}

std::optional<VmDetail> ask_detail(AgentClient& agent, const std::string& id) {
  const auto path = "/api/v1/vms/" + in_path(id);
  VmAnswers answers{.vm = answer_to(agent, path), .culprits = "", .verdict = "", .processes = ""};
  if (answers.vm.empty()) return std::nullopt;
  answers.culprits = answer_to(agent, path + "/culprits");
  answers.verdict = answer_to(agent, path + "/verdict");
  answers.processes = answer_to(agent, path + "/processes");
  return vm_detail(answers);
}

}  // namespace

struct TopPoller::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by `mutex`.
  bool ended = false;
  std::string wanted;
  double delay_seconds;
  TopPicture picture;
  bool is_new = false;
  uint64_t looks = 0;
  // The thread's own.
  AgentAddress address;
  std::optional<VmsLook> before;
  Clock::time_point next = Clock::now();

  bool look(AgentClient& agent);  ///< false: no answer
  void look_at(AgentClient& agent, const std::string& id);
  void run();
};

bool TopPoller::Shared::look(AgentClient& agent) {
  auto now = ask_vms(agent);
  std::optional<TopRows> rows;
  if (now) rows = top_rows(before ? &*before : nullptr, *now);
  const std::lock_guard lock(mutex);
  is_new = true;
  picture.problem = now ? "" : now.error().message;
  if (!now) return false;
  before = std::move(*now);
  looks++;
  picture.answered = true;
  picture.time = utc_now();
  picture.note = restart_note(*rows);
  picture.seconds = rows->seconds;
  picture.rows = std::move(rows->rows);
  return true;
}

void TopPoller::Shared::look_at(AgentClient& agent, const std::string& id) {
  auto detail = ask_detail(agent, id);
  const std::lock_guard lock(mutex);
  if (!detail) return;  // gone, or no answer: the last one stays
  is_new = true;
  const bool is_same = picture.detail && picture.detail->vm.id == detail->vm.id;
  picture.detail_before = is_same ? std::move(picture.detail) : std::nullopt;
  picture.detail = std::move(detail);
}

void TopPoller::Shared::run() {
  HttpAgentClient agent(address);
  std::unique_lock lock(mutex);
  std::string shown;
  while (!ended) {
    const auto id = wanted;
    const bool is_time = Clock::now() >= next;
    lock.unlock();
    const bool is_there = !is_time || look(agent);
    if (is_there && !id.empty() && (is_time || id != shown)) look_at(agent, id);
    shown = id;
    lock.lock();
    const auto delay =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(delay_seconds));
    if (is_time) next = std::max(next + delay, Clock::now());
    next = std::min(next, Clock::now() + delay);
    changed.wait_until(lock, next, [&] { return ended || wanted != shown; });
  }
}

TopPoller::TopPoller(const AgentAddress& address, double delay_seconds)
    : shared_(std::make_shared<Shared>()) {
  shared_->address = address;
  shared_->picture.agent = address.url;
  shared_->delay_seconds = delay_seconds;
  // Detached: it may wait ten seconds for an agent that hangs, and who quits must not.
  std::thread([shared = shared_] { shared->run(); }).detach();
}

TopPoller::~TopPoller() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = true;
  shared_->changed.notify_all();
}

void TopPoller::want(const std::string& id, double delay_seconds) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->wanted == id && shared_->delay_seconds == delay_seconds) return;
  shared_->wanted = id;
  shared_->delay_seconds = delay_seconds;
  shared_->changed.notify_all();
}

bool TopPoller::take(TopPicture& picture) {
  const std::lock_guard lock(shared_->mutex);
  if (!std::exchange(shared_->is_new, false)) return false;
  picture = shared_->picture;
  return true;
}

uint64_t TopPoller::looks() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->looks;
}

}  // namespace vmflow
