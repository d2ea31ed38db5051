// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/libvirt_reader.h"

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "agent/sources/domain_frames.h"
#include "agent/sources/domain_xml.h"
#include "agent/sources/libvirt_calls.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

// Titles and metadata change by hand, or when a VM gets another flavor.
constexpr std::chrono::seconds kMetadataFresh{60};

using Clock = std::chrono::steady_clock;

class DomainTeller {
 public:
  DomainTeller(const LibvirtCalls& calls, const LibvirtQuestion& question, FrameWriter& out)
      : calls_(calls), question_(question), out_(out) {}

  void run() {
    out_.send(FrameKind::kProgress, "");
    connection_ = calls_.open_read_only(question_.uri.c_str());
    if (connection_ == nullptr) return fail(LibvirtError::kConnect);
    while (tell_all()) std::this_thread::sleep_for(question_.interval);
  }

 private:
  using Domain = std::unique_ptr<virDomain, decltype(&virDomainFree)>;
  struct Running {
    std::string uuid;
    Domain domain;
  };

  void fail(LibvirtError kind) {
    const auto* text = calls_.last_error();
    out_.send(FrameKind::kError,
              failure_bytes({kind, sanitise(text == nullptr ? "no reason given" : text)}));
  }

  bool tell_all() {
    out_.send(FrameKind::kProgress, "");
    virDomainPtr* list = nullptr;
    const int count = calls_.list_domains(connection_, &list, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) return fail(LibvirtError::kCall), false;
    auto running = named(list, count);
    free(list);
    std::ranges::stable_partition(
        running, [&](const auto& one) { return !question_.ask_last.contains(one.uuid); });
    for (const auto& one : running) tell(one);
    std::vector<std::string> uuids;
    for (const auto& one : running) uuids.push_back(one.uuid);
    std::erase_if(told_, [&](const auto& told) {
      return std::ranges::find(uuids, told.first) == uuids.end();
    });
    out_.send(FrameKind::kDone, uuids_bytes(uuids));
    return true;
  }

  std::vector<Running> named(virDomainPtr* list, int count) {
    std::vector<Running> running;
    for (int i = 0; i < count; i++) {
      Domain domain(list[i], calls_.free_domain);
      char uuid[VIR_UUID_STRING_BUFLEN] = "";
      if (calls_.uuid(domain.get(), uuid) == 0) running.push_back({uuid, std::move(domain)});
    }
    return running;
  }

  void tell(const Running& one) {
    const auto now = Clock::now();
    const auto told = told_.find(one.uuid);
    if (told != told_.end() && now < told->second + kMetadataFresh) return;
    out_.send(FrameKind::kProgress, one.uuid);
    const std::unique_ptr<char, void (*)(void*)> xml(calls_.xml(one.domain.get(), 0), free);
    if (!xml) return;  // it has ended meanwhile; a connection that broke shows at the next list
    told_[one.uuid] = now;
    if (const auto domain = read_domain_xml(xml.get()))
      out_.send(FrameKind::kEvents, domain_bytes(*domain));
    else
      out_.send(FrameKind::kError, failure_bytes({LibvirtError::kXml, domain.error().message}));
  }

  const LibvirtCalls& calls_;
  const LibvirtQuestion& question_;
  FrameWriter& out_;
  virConnectPtr connection_ = nullptr;  // the end of the process closes it
  std::map<std::string, Clock::time_point> told_;
};

}  // namespace

void tell_domains(const LibvirtQuestion& question, FrameWriter& out) {
  // libvirt writes to a daemon that may be gone: that is an answer, not an end.
  signal(SIGPIPE, SIG_IGN);
  out.send(FrameKind::kProgress, "");
  const auto calls = load_libvirt();
  if (!calls || calls->initialize() < 0)
    return out.send(FrameKind::kError,
                    failure_bytes({LibvirtError::kLibrary,
                                   calls ? "libvirt.so.0 does not start" : calls.error().message}));
  // Its own way is to print.
  calls->set_error_function(nullptr, [](void*, virErrorPtr) {});
  DomainTeller(*calls, question, out).run();
}

bool has_libvirt_socket() {
  std::error_code failed;
  for (const auto* path : {"/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro"})
    if (std::filesystem::is_socket(path, failed)) return true;
  return false;
}

}  // namespace vmflow
