// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>

#include "agent/trigger/lttng_names.h"
#include "agent/trigger/lttng_packets.h"
#include "agent/trigger/scratch_folder.h"
#include "agent/trigger/snapshot_files.h"

namespace vmflow {
namespace {

constexpr std::chrono::seconds kLookEvery{2};
constexpr std::chrono::seconds kLongestBackOff{60};
constexpr uint64_t kSpareBytes = 1 << 20;  // metadata, rounding

/// The rate is sampled soon after the session was made, then seldom: each sample ends a sub-buffer.
std::chrono::seconds time_to_sample(uint32_t taken) {
  constexpr std::chrono::seconds kFirst{2}, kSecond{8}, kLater{60};
  return taken == 0 ? kFirst : taken == 1 ? kSecond : kLater;
}

void sleep_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

/// The daemon makes a folder with a name of its own below the one that it was given.
Result<std::filesystem::path> find_trace(const std::filesystem::path& below) {
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(below, error))
    if (entry.path().filename() == "metadata") return entry.path().parent_path();
  return failure(fmt::format(
      "lttng-sessiond says that it has saved a trace, but {} has none: does it run with a file "
      "system of its own (PrivateTmp=, a container)?",
      below.string()));
}

}  // namespace

LttngSession::LttngSession(std::unique_ptr<LttngControl> control, LttngOptions options)
    : control_(std::move(control)), options_(std::move(options)) {
  if (const auto key = own_process_key(options_.proc)) name_ = lttng_session_name(*key);
  size_ = buffers_for(options_.first_bytes_per_cpu, limit_per_cpu());
  state_.reason = options_.mode == TraceMode::off ? "switched off" : "not looked yet";
}

LttngSession::~LttngSession() {
  static_cast<void>(stop());
}

uint64_t LttngSession::limit_per_cpu() const {
  return options_.most_bytes / std::max(options_.cpus, 1U);
}

LttngState LttngSession::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void LttngSession::tick(Time now) {
  if (options_.mode == TraceMode::off || now < next_look_) return;
  next_look_ = now + kLookEvery;
  look(now);
}

void LttngSession::look(Time now) {
  auto sessions = control_->sessions();
  if (!sessions) return fail(sessions.error(), now);
  const bool is_there = std::ranges::find(*sessions, name_) != sessions->end();
  // Also after a restart of the daemon that no call has noticed: what it offers may have changed.
  if (!prepared_ || (own_ == Own::complete && !is_there)) {
    if (auto prepared = prepare(*sessions); !prepared) return fail(prepared.error(), now);
  }
  back_off_ = std::chrono::seconds(0);
  if (options_.mode == TraceMode::on_trigger && own_ != Own::absent) {
    // What a trigger began could not be ended then.
    if (auto ended = stop(); !ended) return fail(ended.error(), now);
  }
  if (options_.mode != TraceMode::flight || choice_.backend == LttngBackend::none) return;
  if (own_ != Own::complete) {
    if (auto begun = begin(); !begun) return fail(begun.error(), now);
    next_sample_ = now + time_to_sample(0);
  } else if (now >= next_sample_) {
    measure(now);
  }
}

/// One of our own that is complete goes on: the daemon was stuck, but not gone. One that we doubt
/// goes: a call that was given up may have come to its end later.
Result<void> LttngSession::prepare(const std::vector<std::string>& sessions) {
  if (name_.empty()) return failure("who this process is cannot be read from /proc/self/stat");
  auto left = stale_lttng_sessions(sessions, options_.proc);
  const bool is_there = std::ranges::find(sessions, name_) != sessions.end();
  if (is_there && own_ != Own::complete) left.push_back(name_);
  for (const auto& session : left)
    if (auto destroyed = control_->destroy(session); !destroyed) return destroyed;
  if (!is_there || own_ != Own::complete) own_ = Own::absent;
  const auto tracepoints = control_->tracepoints();
  if (!tracepoints) return tl::unexpected(tracepoints.error());
  choice_ = choose_lttng_events(*tracepoints);
  prepared_ = true;
  const std::lock_guard lock(mutex_);
  state_.backend = choice_.backend;
  state_.reason = choice_.reason;
  state_.missing = choice_.missing;
  state_.recording = own_ == Own::complete;
  return {};
}

Result<void> LttngSession::begin() {
  own_ = Own::doubtful;  // from here on it may be there, whatever the call says
  auto done = control_->create({.session = name_,
                                .events = choice_.events,
                                .sub_buffer_bytes = size_.sub_buffer_bytes,
                                .sub_buffers = size_.sub_buffers,
                                .overflow = options_.overflow});
  if (done) done = control_->start(name_);
  if (!done) {
    if (control_->destroy(name_)) own_ = Own::absent;
    return done;
  }
  own_ = Own::complete;
  started_ns_ = options_.now_ns();
  samples_ = 0;
  const std::lock_guard lock(mutex_);
  state_.recording = true;
  state_.buffer_bytes = size_.bytes() * options_.cpus;
  if (made_once_ && options_.mode == TraceMode::flight) state_.restarts++;
  made_once_ = true;
  return {};
}

void LttngSession::fail(const Error& error, Time now) {
  back_off_ = std::clamp(back_off_ * 2, kLookEvery, kLongestBackOff);
  next_look_ = now + back_off_;
  prepared_ = false;
  const std::lock_guard lock(mutex_);
  state_.backend = LttngBackend::none;
  state_.reason = error.message;
  state_.recording = false;
  state_.failures++;
}

void LttngSession::set_rate(double bytes_per_second) {
  const std::lock_guard lock(mutex_);
  state_.bytes_per_second = bytes_per_second;
  state_.span_seconds = span_seconds(size_, bytes_per_second);
}

/// What the last sub-buffers of each CPU hold, and how fast they came. No failure of the session:
/// it records on.
void LttngSession::measure(Time now) {
  next_sample_ = now + time_to_sample(++samples_);
  if (options_.scratch.empty()) return;
  const auto scratch = ScratchFolder::make(options_.scratch);
  constexpr uint64_t kSubBuffersEach = 3;  // the one that is being filled, and two that are full
  auto saved = scratch
                   ? save(scratch->path(), kSubBuffersEach * size_.sub_buffer_bytes * options_.cpus)
                   : Result<LttngSnapshot>(tl::unexpected(scratch.error()));
  if (saved) saved = grow().map([&] { return *saved; });
  if (saved) return;
  const std::lock_guard lock(mutex_);
  state_.failures++;
}

/// Makes the session anew if it holds less than is wanted and may be larger. What it holds is lost:
/// better at the beginning, when little is in it, than a short history for ever.
Result<void> LttngSession::grow() {
  const auto now = state();
  const auto wanted = static_cast<double>(options_.wanted_span.count());
  if (now.span_seconds >= wanted || now.bytes_per_second <= 0) return {};
  const auto size = buffers_for(bytes_for_span(now.bytes_per_second, wanted), limit_per_cpu());
  if (size.bytes() <= size_.bytes()) return {};
  if (auto destroyed = control_->destroy(name_); !destroyed) return destroyed;
  own_ = Own::absent;
  made_once_ = false;
  const auto before = size_;
  size_ = size;
  auto begun = begin();
  if (!begun) size_ = before;  // no memory for it: the next look takes the old size
  const std::lock_guard lock(mutex_);
  state_.recording = begun.has_value();
  if (begun) state_.resizes++;
  if (begun) state_.span_seconds = span_seconds(size_, now.bytes_per_second);
  return begun;
}

Result<void> LttngSession::check_space(const std::filesystem::path& folder, uint64_t bytes) const {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) return failure(fmt::format("{}: {}", folder.string(), error.message()));
  if (space.available >= bytes + kSpareBytes) return {};
  return failure(fmt::format("{}: {} MiB are free, a trace may take {} MiB", folder.string(),
                             space.available >> 20, (bytes + kSpareBytes) >> 20));
}

Result<LttngSnapshot> LttngSession::save(const std::filesystem::path& folder, uint64_t most_bytes) {
  const auto all = size_.bytes() * options_.cpus;
  if (auto fits = check_space(folder, most_bytes == 0 ? all : most_bytes); !fits)
    return tl::unexpected(fits.error());
  const auto below = std::filesystem::absolute(folder) / "lttng";
  auto result = [&]() -> Result<LttngSnapshot> {
    if (auto saved = control_->save(name_, below, most_bytes); !saved)
      return tl::unexpected(saved.error());
    auto trace = find_trace(below);
    if (!trace) return tl::unexpected(trace.error());
    auto streams = read_lttng_streams(*trace);
    if (!streams) return tl::unexpected(streams.error());
    const auto extent = extent_of(*streams);
    // The daemon calls it a success if the metadata found room, whatever became of the rest.
    if (!check_space(folder, 0))
      return failure(folder.string() + ": the disk became full, the trace may be incomplete");
    set_rate(extent.bytes_per_second);
    return LttngSnapshot{.trace = *trace,
                         .bytes = bytes_below(*trace),
                         .first_ns = std::max(extent.first_ns, started_ns_),
                         .last_ns = extent.last_ns,
                         .lost_events = extent.discarded,
                         .lost_packets = extent.missing_packets};
  }();
  std::error_code ignored;
  if (!result) std::filesystem::remove_all(below, ignored);
  return result;
}

Result<LttngSnapshot> LttngSession::snapshot(const std::filesystem::path& folder,
                                             const std::stop_token& stop) {
  const auto refuse = [&]() -> Result<LttngSnapshot> {
    return failure("LTTng records nothing: " + state().reason);
  };
  if (options_.mode == TraceMode::off || !prepared_ || choice_.backend == LttngBackend::none)
    return refuse();
  Result<LttngSnapshot> saved = failure("not saved");
  if (options_.mode == TraceMode::flight) {
    if (own_ != Own::complete) return refuse();
    saved = save(folder, 0);
  } else {
    const auto begun = begin();
    if (begun) sleep_for(options_.record_time, stop);
    saved = begun ? save(folder, 0) : tl::unexpected(begun.error());
    static_cast<void>(this->stop());  // if it fails, the next look tries again
  }
  if (saved) return saved;
  next_look_ = {};  // at the next tick, whatever is wrong
  if (options_.mode == TraceMode::on_trigger) prepared_ = false;
  const std::lock_guard lock(mutex_);
  state_.failures++;
  return saved;
}

Result<void> LttngSession::stop() {
  if (own_ == Own::absent) return {};
  auto destroyed = control_->destroy(name_);
  if (destroyed) own_ = Own::absent;
  const std::lock_guard lock(mutex_);
  state_.recording = false;
  state_.buffer_bytes = 0;
  return destroyed;
}

}  // namespace vmflow
