// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/trigger_loop.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "agent/sources/monotonic_clock.h"
#include "exporters/snapshot_json.h"

namespace vmflow {
namespace {

constexpr std::chrono::seconds kBetweenLooksForRoom{5};
constexpr uint64_t kSecond = 1'000'000'000;

std::string room_message(Refusal why) {
  return why == Refusal::kQuota
             ? "no room: --trace.quota-mib is used up by the newest snapshot, which is kept"
             : "no room: the file system has less free than --trace.min-free-mib wants";
}

}  // namespace

TriggerClock system_clock() {
  return {.mono_ns = monotonic_ns,
          .unix_seconds =
              [] {
                const auto now = std::chrono::system_clock::now().time_since_epoch();
                return std::chrono::duration<double>(now).count();
              }};
}

TriggerLoop::TriggerLoop(TriggerParts parts)
    : parts_(std::move(parts)), policy_([this] {
        auto limits = parts_.limits;
        limits.off = limits.off || !parts_.store;
        return limits;
      }()) {
  for (const auto& name : parts_.triggers) triggers_[name].name = name;
  for (const auto& backend : parts_.recorder->backends())
    backends_[backend.name].name = backend.name;
  if (parts_.store)
    thread_ = std::thread([this] { run(); });
  else
    ended_ = true;
}

TriggerLoop::~TriggerLoop() {
  stop(std::chrono::milliseconds(0));
  if (thread_.joinable()) thread_.join();
}

Asked TriggerLoop::request(TriggerRequest request) {
  const std::lock_guard lock(mutex_);
  const auto now_ns = parts_.clock.mono_ns();
  const auto trigger = triggers_.find(request.trigger);
  if (trigger == triggers_.end())
    return tl::unexpected(Refused{Refusal::kOff, "there is no such trigger", 0});
  trigger->second.fired++;
  const auto refused =
      stopping_ ? std::optional(Refusal::kOff)
                : policy_.ask(request.trigger, request.vm, request.manual, now_ns, room_);
  if (refused) {
    trigger->second.suppressed[static_cast<size_t>(*refused)]++;
    return tl::unexpected(refusal(request, *refused, now_ns));
  }
  const auto unix_seconds = parts_.clock.unix_seconds();
  job_ = SnapshotJob{.id = parts_.store->new_id(static_cast<std::time_t>(unix_seconds)),
                     .request = std::move(request),
                     .asked_ns = now_ns,
                     .asked_unix_seconds = unix_seconds};
  book_.begin({.id = job_->id,
               .state = SnapshotState::kRecording,
               .unix_seconds = unix_seconds,
               .trigger = job_->request.trigger,
               .reason = job_->request.reason,
               .vm = job_->request.vm,
               .name = job_->request.name,
               .bytes = 0,
               .error = {}});
  changed_.notify_all();
  return job_->id;
}

Refused TriggerLoop::refusal(const TriggerRequest& request, Refusal why, uint64_t now_ns) const {
  const auto wait =
      policy_.wait_ns(request.trigger, request.vm, request.manual, now_ns) / kSecond + 1;
  switch (why) {
    case Refusal::kBusy:
      return {why, "a snapshot is being taken: try again when it is complete", 1};
    case Refusal::kCooldown:
      return {why, fmt::format("this trigger has had a snapshot of this VM: wait {} s", wait),
              wait};
    case Refusal::kRate:
      return {why,
              fmt::format("{} snapshots in an hour are enough (--trace.per-hour): wait {} s",
                          parts_.limits.per_hour, wait),
              wait};
    case Refusal::kQuota:
    case Refusal::kDisk:
      return {why, room_message(why), 0};
    case Refusal::kOff:
      break;
  }
  return {why, parts_.off_because.empty() ? "snapshots are off" : parts_.off_because, 0};
}

void TriggerLoop::run() {
  // Snapshots of earlier agents: read here, so that no start waits for a disk.
  for (const auto& kept : parts_.store->list())
    if (const auto text = parts_.store->read(kept.id, kFindingFile))
      if (auto summary = summary_of(*text)) {
        const std::lock_guard lock(mutex_);
        book_.add(std::move(*summary));
      }
  look_for_room();
  std::unique_lock lock(mutex_);
  ready_ = true;
  changed_.notify_all();
  while (!stopping_) {
    if (!job_) {
      if (!changed_.wait_for(lock, kBetweenLooksForRoom, [this] { return stopping_ || job_; })) {
        lock.unlock();
        look_for_room();
        lock.lock();
      }
      continue;
    }
    const auto job = *job_;
    lock.unlock();
    work(job);
    look_for_room();
    lock.lock();
    job_.reset();
    policy_.done();
    changed_.notify_all();
  }
  ended_ = true;
  changed_.notify_all();
}

void TriggerLoop::look_for_room() {
  const auto room = parts_.store->room(parts_.recorder->expected_bytes());
  const std::lock_guard lock(mutex_);
  room_ = room;
}

Result<TakenSnapshot> TriggerLoop::take(const SnapshotJob& job) {
  try {
    return take_snapshot(*parts_.store, *parts_.recorder, job, parts_.context);
  } catch (const std::exception& error) {
    return failure(error.what());
  } catch (...) {
    return failure("unknown exception");
  }
}

void TriggerLoop::work(const SnapshotJob& job) {
  const auto taken = take(job);
  if (!taken)
    spdlog::error("snapshot {} for {}: {}", job.id, job.request.trigger, taken.error().message);
  else if (!taken->facts.trace_error.empty())
    spdlog::warn("snapshot {} for {} has no trace: {}", job.id, job.request.trigger,
                 taken->facts.trace_error);
  else
    spdlog::info("snapshot {} for {}: {} bytes in {}", job.id, job.request.trigger,
                 taken->stored.bytes, (parts_.store->folder() / job.id).string());
  {
    const std::lock_guard lock(mutex_);
    note(job, taken);
  }
  if (taken && !taken->facts.trace.parts.empty() && parts_.analyze) analyze(job);
}

// The snapshot is complete and can be looked at: what is said of it comes after.
void TriggerLoop::analyze(const SnapshotJob& job) {
  const auto began_ns = parts_.clock.mono_ns();
  const auto go_on = [this] {
    const std::lock_guard lock(mutex_);
    return !stopping_;
  };
  auto analysis = [&]() -> Result<SnapshotAnalysis> {
    try {
      return parts_.analyze(parts_.store->folder() / job.id, go_on);
    } catch (const std::exception& error) {
      return failure(error.what());
    }
  }();
  Result<void> kept;
  if (analysis) {
    kept = parts_.store->add(job.id, kReportPage, analysis->html);
    if (kept) kept = parts_.store->add(job.id, kReportJson, analysis->json);
  } else {
    kept = tl::unexpected(analysis.error());
  }
  if (kept)
    spdlog::warn("snapshot {}: {}", job.id, analysis->finding);
  else
    spdlog::error("snapshot {} has no report: {}", job.id, kept.error().message);
  const std::lock_guard lock(mutex_);
  analyses_.seconds += static_cast<double>(parts_.clock.mono_ns() - began_ns) / 1e9;
  (kept ? analyses_.done : analyses_.failed)++;
  if (!analysis) return;
  analyses_.events += analysis->events;
  if (!analysis->disagreements.empty()) analyses_.disagreements = analysis->disagreements;
}

void TriggerLoop::note(const SnapshotJob& job, const Result<TakenSnapshot>& taken) {
  const auto name = taken ? taken->facts.backend : parts_.recorder->backend();
  auto& backend = backends_[name];
  backend.name = name;
  if (!taken || !taken->facts.trace_error.empty()) backend.failures++;
  if (!taken) return book_.fail(job.id, taken.error().message);
  backend.snapshots++;
  backend.events_lost += taken->facts.trace.events_lost;
  backend.written_bytes += taken->stored.bytes;
  triggers_[job.request.trigger].last_snapshot_unix_seconds = parts_.clock.unix_seconds();
  book_.complete(job.id, taken->stored.bytes);
  book_.forget_all_but(parts_.store->list());
}

bool TriggerLoop::stop(std::chrono::milliseconds most) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  parts_.recorder->cancel();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [this] { return ended_; });
}

bool TriggerLoop::wait_until_idle(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [this] { return !job_; });
}

bool TriggerLoop::wait_until_ready(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [this] { return ready_; });
}

TraceFlow TriggerLoop::flow() const {
  const auto states = parts_.recorder->backends();
  const std::lock_guard lock(mutex_);
  TraceFlow flow;
  flow.analyses = analyses_;
  flow.spans = parts_.recorder->spans();
  for (const auto& [name, trigger] : triggers_) flow.triggers.push_back(trigger);
  auto backends = backends_;
  for (const auto& [name, available] : states) {
    backends[name].name = name;
    backends[name].available = available;
  }
  for (const auto& [name, backend] : backends) flow.backends.push_back(backend);
  if (!parts_.store) return flow;
  const auto kept = parts_.store->list();
  flow.links = book_.links(kept);
  flow.stored_snapshots = kept.size();
  flow.stored_bytes = parts_.store->stored_bytes();
  return flow;
}

std::vector<SnapshotSummary> TriggerLoop::list() const {
  const std::lock_guard lock(mutex_);
  return book_.list(parts_.store ? parts_.store->list() : std::vector<StoredSnapshot>{});
}

std::optional<SnapshotSummary> TriggerLoop::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return book_.find(id, parts_.store ? parts_.store->list() : std::vector<StoredSnapshot>{});
}

}  // namespace vmflow
