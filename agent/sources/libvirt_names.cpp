// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/libvirt_names.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "agent/file_handle.h"
#include "agent/sources/libvirt_reader.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

// Of libvirt, its libraries, and a domain's XML as a tree.
constexpr uint64_t kMostMemory = 512 << 20;
// A host has hundreds of domains; a process that says more is none of ours any more.
constexpr size_t kMostDomains = 65536;
constexpr std::chrono::seconds kMostPause{60};

void wait_for(int event, std::chrono::milliseconds most) {
  pollfd watched{event, POLLIN, 0};
  poll(&watched, 1, static_cast<int>(most.count()));
}

}  // namespace

LibvirtNames::LibvirtNames(DomainReader reader, std::function<bool()> is_there, LibvirtTimes times)
    : reader_(std::move(reader)),
      is_there_(std::move(is_there)),
      times_(times),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

LibvirtNames::~LibvirtNames() = default;

void LibvirtNames::run(const std::stop_token& stop) {
  const FileHandle event(eventfd(0, EFD_CLOEXEC));
  const std::stop_callback wake(stop, [&event] { eventfd_write(event.get(), 1); });
  while (!stop.stop_requested()) {
    if (!is_there_()) {
      wait_for(event.get(), times_.interval);
      continue;
    }
    ask(event.get());
    if (!stop.stop_requested()) wait_for(event.get(), pause_);
  }
}

void LibvirtNames::ask(int stop_event) {
  {
    const std::lock_guard lock(mutex_);
    if (!flow_) flow_.emplace();
  }
  pause_ = std::clamp(pause_ * 2, times_.interval, times_.most_pause);
  is_asking_ = true;
  asking_.clear();
  auto process = IsolatedProcess::start({.memory_bytes = kMostMemory},
                                        [this](FrameWriter& out) { reader_(ask_last_, out); });
  if (!process) return note({LibvirtError::kDied, process.error().message});
  for (;;) {
    const auto frame =
        process->next(is_asking_ ? times_.deadline : times_.interval + times_.deadline, stop_event);
    if (frame && take(*frame)) continue;
    if (frame || process->is_stopped()) return;
    if (!process->is_silent()) return note({LibvirtError::kDied, frame.error().message});
    // Others may be told in spite of this one.
    if (ask_last_.size() >= kMostDomains) ask_last_.clear();
    if (!asking_.empty()) ask_last_.insert(asking_);
    return note({LibvirtError::kNoAnswer,
                 fmt::format("no answer within {} ms: libvirtd hangs", times_.deadline.count())});
  }
}

bool LibvirtNames::take(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::kProgress:
      is_asking_ = true;
      asking_ = frame.bytes;
      return true;
    case FrameKind::kEvents:
      if (auto domain = domain_of(frame.bytes)) {
        const std::lock_guard lock(mutex_);
        if (domains_.size() < kMostDomains || domains_.contains(domain->uuid))
          domains_[domain->uuid] = std::move(*domain);
        return true;
      }
      break;
    case FrameKind::kDone:
      if (const auto uuids = uuids_of(frame.bytes)) {
        note_answer(*uuids);
        return true;
      }
      break;
    case FrameKind::kError:
      const auto failure =
          failure_of(frame.bytes)
              .value_or(LibvirtFailure{LibvirtError::kDied, sanitise(frame.bytes)});
      note(failure);
      return failure.kind == LibvirtError::kXml;
  }
  note({LibvirtError::kDied, "the process that asks it sent what is no domain"});
  return false;
}

void LibvirtNames::note(const LibvirtFailure& failure) {
  {
    const std::lock_guard lock(mutex_);
    flow_->errors[static_cast<size_t>(failure.kind)]++;
    if (failure.kind != LibvirtError::kXml) flow_->success = false;
  }
  if (failure.text != std::exchange(last_said_, failure.text))
    spdlog::warn("libvirt: {}: names may be old", failure.text);
}

void LibvirtNames::note_answer(const std::vector<std::string>& uuids) {
  const std::set<std::string> running(uuids.begin(), uuids.end());
  is_asking_ = false;
  asking_.clear();
  pause_ = {};
  std::erase_if(ask_last_, [&](const auto& uuid) { return !running.contains(uuid); });
  bool is_back = false;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(domains_, [&](const auto& domain) { return !running.contains(domain.first); });
    is_back = !std::exchange(flow_->success, true);
    flow_->domains = running.size();
    answered_ = Clock::now();
  }
  if (!is_back) return;
  last_said_.clear();
  spdlog::info("libvirt tells of {} running domains", running.size());
}

void LibvirtNames::add_to(std::map<VmKey, VmIdentity>& identities) const {
  const std::lock_guard lock(mutex_);
  add_domains(domains_, identities);
}

std::optional<LibvirtFlow> LibvirtNames::flow() const {
  const std::lock_guard lock(mutex_);
  auto flow = flow_;
  if (flow && answered_)
    flow->age_seconds = std::chrono::duration<double>(Clock::now() - *answered_).count();
  return flow;
}

std::unique_ptr<LibvirtNames> make_libvirt_names(const std::string& uri,
                                                 std::chrono::seconds interval) {
  if (uri == "off") return nullptr;
  const bool is_auto = uri == "auto";
  LibvirtQuestion question{is_auto ? "qemu:///system" : uri, interval, {}};
  const auto reader = [question](const std::set<std::string>& ask_last, FrameWriter& out) {
    auto asked = question;
    asked.ask_last = ask_last;
    tell_domains(asked, out);
  };
  return std::make_unique<LibvirtNames>(
      reader, [is_auto] { return !is_auto || has_libvirt_socket(); },
      LibvirtTimes{.interval = interval,
                   .most_pause = std::max<std::chrono::milliseconds>(interval, kMostPause)});
}

}  // namespace vmflow
