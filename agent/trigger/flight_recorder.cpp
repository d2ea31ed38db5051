// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/flight_recorder.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <condition_variable>
#include <ctime>
#include <fstream>

#include "agent/sources/ctf_table.h"
#include "agent/trigger/ctf_writer.h"
#include "agent/trigger/lttng_client.h"
#include "agent/trigger/snapshot_files.h"
#include "agent/version.h"

namespace vmflow {
namespace {

constexpr const char* kRingFolder = "ring";
constexpr std::chrono::seconds kTick{1};
// A record of 64 bytes may be two events, with their context: 68 bytes each for an exit and its
// registers.
constexpr uint64_t kMostCtfPerRecord = 3;

// All that the table writes, but for interrupts of the host, of which the ring has none, and
// packets, unless they were asked for.
std::set<std::string> ring_event_names(bool packets) {
  std::set<std::string> names;
  for (const auto& event : ctf_events())
    if (event.write && !event.name.starts_with("irq_handler_") &&
        (packets || event.kind != kind_of<PacketEvent>()))
      names.emplace(event.name);
  return names;
}

int64_t epoch_offset_ns() {
  timespec real{}, mono{};
  clock_gettime(CLOCK_MONOTONIC, &mono);
  clock_gettime(CLOCK_REALTIME, &real);
  return (real.tv_sec - mono.tv_sec) * 1'000'000'000 + (real.tv_nsec - mono.tv_nsec);
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

/// Sleeps until it is over or `stop` is asked for; false then.
bool sleep_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  return !std::condition_variable_any().wait_for(lock, stop, time,
                                                 [&] { return stop.stop_requested(); });
}

constexpr const char* kWithLttng = "lttng+ring";
constexpr const char* kWithScheduler = "lttng_sched+ring";
constexpr const char* kAlone = "ring";

std::string rung(const LttngState& lttng, bool has_ring) {
  if (!has_ring) return "none";
  switch (lttng.backend) {
    case LttngBackend::lttng:
      return kWithLttng;
    case LttngBackend::lttng_sched:
      return kWithScheduler;
    case LttngBackend::none:
      break;
  }
  return kAlone;
}

}  // namespace

FlightRecorder::FlightRecorder(LiveSide live, std::unique_ptr<LttngSession> lttng,
                               FlightOptions options)
    : live_(std::move(live)),
      lttng_(std::move(lttng)),
      options_(std::move(options)),
      looking_([this](const std::stop_token& stop) { keep_looking(stop); }) {}

FlightRecorder::~FlightRecorder() {
  cancel();
  looking_.request_stop();
  looking_.join();
  if (!lttng_) return;
  const std::lock_guard lock(lttng_mutex_);
  if (const auto stopped = lttng_->stop(); !stopped)
    spdlog::warn("LTTng's session was not ended: {}", stopped.error().message);
}

void FlightRecorder::keep_looking(const std::stop_token& stop) {
  do {
    const bool may_record = live_.may_record();
    // The ring first: LTTng may take seconds to begin.
    if (options_.mode == TraceMode::flight) live_.set_recording(may_record);
    if (lttng_) {
      const std::lock_guard lock(lttng_mutex_);
      if (stop.stop_requested()) return;
      if (may_record)
        lttng_->tick(std::chrono::steady_clock::now());
      else
        static_cast<void>(lttng_->stop());  // if it fails, a second later again
    }
    tell_rung();
  } while (sleep_for(kTick, stop));
}

// One line whenever it changes.
void FlightRecorder::tell_rung() {
  const auto state = lttng_ ? lttng_->state() : LttngState{};
  const auto now = rung(state, has_ring());
  {
    const std::lock_guard lock(told_mutex_);
    if (told_ == now) return;
    told_ = now;
  }
  const auto why = state.reason.empty() ? "" : "; " + state.reason;
  spdlog::info("traces are recorded by {}{}", now, why);
}

void FlightRecorder::cancel() noexcept {
  cancelled_.request_stop();
}

std::string FlightRecorder::backend() const {
  return rung(lttng_ ? lttng_->state() : LttngState{}, has_ring());
}

// The ring of the present: what it held before it was given up is old.
bool FlightRecorder::has_ring() const {
  return live_.has_ring() && live_.may_record();
}

std::vector<BackendState> FlightRecorder::backends() const {
  const auto state = lttng_ ? lttng_->state() : LttngState{};
  const bool ring = has_ring();
  return {{kWithLttng, ring && state.backend == LttngBackend::lttng},
          {kWithScheduler, ring && state.backend != LttngBackend::none},
          {kAlone, ring}};
}

std::vector<RecorderSpan> FlightRecorder::spans() const {
  if (options_.mode != TraceMode::flight) return {};
  const auto ring_span_ns = live_.may_record() ? live_.ring_span_ns() : 0;
  return {{"ring", static_cast<double>(ring_span_ns) / 1e9},
          {"lttng", lttng_ ? lttng_->state().span_seconds : 0}};
}

uint64_t FlightRecorder::expected_bytes() const {
  const auto lttng = lttng_ ? lttng_->state().buffer_bytes : 0;
  return lttng + kMostCtfPerRecord * live_.ring_bytes();
}

Result<uint64_t> FlightRecorder::save_ring(const std::filesystem::path& folder, uint64_t from_ns,
                                           RecordedTrace& trace) {
  auto reading = live_.ring();
  std::erase_if(reading.events, [from_ns](const Event& event) { return event.ns < from_ns; });
  if (reading.events.empty()) return uint64_t{0};
  CtfWriteOptions options{.epoch_offset_ns = epoch_offset_ns(),
                          .boot_id = boot_id(),
                          .kernel_release = options_.kernel,
                          .hostname = options_.hostname,
                          .trace_name = "vmflow",
                          .major = kMajor,
                          .minor = kMinor,
                          .patch = kPatch,
                          .coverage = {.lost = {}, .whole_from = reading.whole_from},
                          .names = {},
                          .recorded = ring_event_names(options_.packets)};
  if (reading.torn > 0) options.coverage.lost[0] = reading.torn;
  const auto written = write_ctf((folder / kRingFolder).string(), reading.events, options);
  if (!written) return tl::unexpected(written.error());
  trace.parts.emplace_back(kRingFolder);
  trace.events_lost += reading.torn;
  const auto whole_from_ns = reading.whole_from_ns();
  trace.first_ns = std::max(whole_from_ns, reading.events.front().ns);
  trace.last_ns = reading.events.back().ns;
  return whole_from_ns != 0 ? whole_from_ns : trace.first_ns;
}

Result<uint64_t> FlightRecorder::save_lttng(const std::filesystem::path& folder,
                                            RecordedTrace& trace) {
  if (!lttng_) return uint64_t{0};
  const std::lock_guard lock(lttng_mutex_);
  if (lttng_->state().backend == LttngBackend::none) return uint64_t{0};
  const auto saved = lttng_->snapshot(folder, cancelled_.get_token());
  if (!saved) return tl::unexpected(saved.error());
  trace.parts.push_back(std::filesystem::relative(saved->trace, folder).string());
  trace.events_lost += saved->lost_events;
  if (trace.first_ns == 0) trace.first_ns = saved->first_ns;
  trace.last_ns = std::max(trace.last_ns, saved->last_ns);
  return saved->first_ns;
}

// Where both recorders have all, if there is a look that late; else where the ring has.
std::optional<Snapshot> FlightRecorder::begin_of_window(uint64_t ring_from_ns,
                                                        uint64_t lttng_from_ns) const {
  if (ring_from_ns == 0) return std::nullopt;
  if (lttng_from_ns > ring_from_ns)
    if (auto both = live_.look_after(lttng_from_ns)) return both;
  return live_.look_after(ring_from_ns);
}

Result<void> FlightRecorder::save_aggregate(const std::filesystem::path& folder,
                                            AggregateWindow window) {
  const auto path = folder.parent_path() / kAggregateFile;
  return write_new_file(path, aggregate_bytes(window));
}

Result<RecordedTrace> FlightRecorder::save(const std::filesystem::path& folder) {
  RecordedTrace trace;
  const bool on_trigger = options_.mode == TraceMode::on_trigger;
  if (!live_.may_record())
    return failure("nothing is recorded, since vmflowd costs more than --overhead.budget allows");
  std::optional<Snapshot> first, last;
  if (on_trigger) {
    live_.set_recording(true);
    first = live_.look();
  } else {
    last = live_.look();
  }
  // On a trigger this takes the time of recording itself.
  const auto lttng = save_lttng(folder, trace);
  if (on_trigger) {
    if (lttng.value_or(0) == 0) sleep_for(options_.record_time, cancelled_.get_token());
    last = live_.look();
    live_.set_recording(false);
  }
  // What an earlier trigger has left in the ring is not of this one.
  const auto ring = save_ring(folder, on_trigger && first ? first->now_ns : 0, trace);
  if (trace.parts.empty()) {
    if (!ring) return tl::unexpected(ring.error());
    return failure(lttng ? "nothing was recorded yet" : lttng.error().message);
  }
  if (!lttng) spdlog::warn("LTTng saved no trace, the ring did: {}", lttng.error().message);
  if (!ring) spdlog::warn("the ring saved no trace: {}", ring.error().message);
  const uint64_t ring_from_ns = ring.value_or(0), lttng_from_ns = lttng.value_or(0);
  if (!on_trigger) first = begin_of_window(ring_from_ns, lttng_from_ns);
  // Without a look where the trace begins there is no window, but the VMs have names.
  if (last && !first) first = last;
  if (last)
    if (const auto kept =
            save_aggregate(folder, {std::move(*first), std::move(*last), lttng_from_ns});
        !kept)
      return tl::unexpected(kept.error());
  trace.bytes = bytes_below(folder);
  return trace;
}

std::unique_ptr<TraceRecorder> make_recorder(const TraceConfig& config, LiveSide live) {
  if (config.mode == "off") return std::make_unique<NoRecorder>();
  FlightOptions options;
  options.mode = config.mode == "flight" ? TraceMode::flight : TraceMode::on_trigger;
  options.record_time = std::chrono::seconds(config.record_seconds);
  options.packets = config.packets;
  utsname kernel{};
  if (uname(&kernel) == 0) {
    options.kernel = kernel.release;
    options.hostname = kernel.nodename;
  }
  std::unique_ptr<LttngSession> lttng;
  if (config.lttng)
    lttng = std::make_unique<LttngSession>(
        std::make_unique<LttngClient>(),
        LttngOptions{.mode = options.mode,
                     .record_time = options.record_time,
                     .most_bytes = uint64_t{config.lttng_mib} << 20,
                     .cpus = static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF)),
                     .scratch = config.dir});
  return std::make_unique<FlightRecorder>(std::move(live), std::move(lttng), std::move(options));
}

}  // namespace vmflow
