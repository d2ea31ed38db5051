// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include "agent/sources/ctf_events.h"
#include "agent/sources/event_bytes.h"
#include "agent/sources/isolated_process.h"

namespace vmflow {
namespace {

constexpr size_t kBatchBytes = 1 << 16;

void read_in_child(FrameWriter& out, const std::vector<std::string>& paths,
                   uint64_t most_messages) {
  std::string batch;
  const auto flush = [&] {
    if (!batch.empty()) out.send(FrameKind::kEvents, batch);
    batch.clear();
  };
  CtfReadOptions options;
  options.most_messages = most_messages;
  options.on_progress = [&](const TraceContents& contents) {
    flush();
    out.send(FrameKind::kProgress, contents_bytes(contents));
    return true;
  };
  const auto contents = read_ctf(paths, options, [&](const Event& event) {
    write_event(event, batch);
    if (batch.size() >= kBatchBytes) flush();
    return true;
  });
  flush();
  if (contents)
    out.send(FrameKind::kDone, contents_bytes(*contents));
  else
    out.send(FrameKind::kError, contents.error().message);
}

/// The parent's side: what has come so far.
class Receiving {
 public:
  Receiving(const CtfReadOptions& options, const EventSink& sink)
      : options_(options), sink_(sink) {}

  /// True once there is nothing more to wait for.
  Result<bool> take(const Frame& frame) {
    switch (frame.kind) {
      case FrameKind::kEvents:
        return take_events(frame.bytes);
      case FrameKind::kProgress:
        if (!take_contents(frame.bytes)) break;
        return options_.on_progress && !options_.on_progress(contents_) ? stop() : false;
      case FrameKind::kDone:
        if (!take_contents(frame.bytes)) break;
        return true;
      case FrameKind::kError:
        return failure(frame.bytes);
    }
    return failure("the process that reads the trace sent what is no event");
  }

  TraceContents& contents() { return contents_; }

 private:
  bool stop() {
    contents_.interrupted = true;
    contents_.events = handed_on_;
    return true;
  }

  bool take_contents(std::string_view bytes) {
    auto contents = contents_of(bytes);
    if (contents) contents_ = std::move(*contents);
    return contents.has_value();
  }

  Result<bool> take_events(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto event = read_event(bytes);
      if (!event) return failure("the process that reads the trace sent what is no event");
      handed_on_++;
      if (!sink_(*event)) return stop();
    }
    return false;
  }

  const CtfReadOptions& options_;
  const EventSink& sink_;
  TraceContents contents_;
  uint64_t handed_on_ = 0;
};

}  // namespace

Result<TraceContents> read_ctf_isolated(const std::vector<std::string>& paths,
                                        const CtfReadOptions& options, const EventSink& sink,
                                        const IsolationLimits& limits) {
  auto process = IsolatedProcess::start(
      {limits.memory_bytes, static_cast<uint64_t>(limits.cpu.count()), false},
      [&](FrameWriter& out) { read_in_child(out, paths, options.most_messages); });
  if (!process) return failure(process.error().message);
  Receiving receiving(options, sink);
  while (true) {
    const auto frame = process->next(limits.silence);
    if (!frame)
      return failure(fmt::format(
          "the process that reads {} gave no answer: {}; `babeltrace2 {}` may say where "
          "the trace is broken",
          fmt::join(paths, ", "), frame.error().message, fmt::join(paths, " ")));
    const auto ended = receiving.take(*frame);
    if (!ended) return failure(ended.error().message);
    if (*ended) return std::move(receiving.contents());
  }
}

}  // namespace vmflow
