// SPDX-License-Identifier: GPL-2.0-only
// What libvirt calls the VMs, kept fresh by a thread that never waits for libvirt itself.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "agent/sources/domain_frames.h"
#include "agent/sources/isolated_process.h"

namespace vmflow {

/// What runs in the process that asks: tell_domains(), or what a test makes up. It is told which
/// domains to ask last.
using DomainReader = std::function<void(const std::set<std::string>& ask_last, FrameWriter&)>;

struct LibvirtTimes {
  std::chrono::milliseconds interval{10'000};    ///< between two lists of the domains
  std::chrono::milliseconds deadline{10'000};    ///< of one call
  std::chrono::milliseconds most_pause{60'000};  ///< after failures, of which each doubles it
};

/// A libvirtd that hangs, for one call or for ever, costs a process that is killed after the
/// deadline, and freshness: what was known stays.
/// Threads: any.
class LibvirtNames {
 public:
  /// Asks while `is_there`. Errors: none; flow() tells them.
  LibvirtNames(DomainReader reader, std::function<bool()> is_there, LibvirtTimes times);
  /// Ends at once, whatever libvirt does.
  ~LibvirtNames();

  void add_to(std::map<VmKey, VmIdentity>& identities) const;
  /// nullopt until it was asked for the first time.
  std::optional<LibvirtFlow> flow() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run(const std::stop_token& stop);
  /// One process, until it has nothing more to say or `stop_event` can be read.
  void ask(int stop_event);
  /// False if the process has nothing more to say.
  bool take(const Frame& frame);
  void note(const LibvirtFailure& failure);
  void note_answer(const std::vector<std::string>& uuids);

  const DomainReader reader_;
  const std::function<bool()> is_there_;
  const LibvirtTimes times_;
  // Of the thread alone.
  std::string asking_;  ///< the uuid of the question that has no answer yet
  bool is_asking_ = false;
  std::set<std::string> ask_last_;
  std::chrono::milliseconds pause_{0};
  std::string last_said_;

  mutable std::mutex mutex_;
  std::map<std::string, LibvirtDomain> domains_;
  std::optional<LibvirtFlow> flow_;
  std::optional<Clock::time_point> answered_;
  std::jthread thread_;  // last: it uses all of them
};

/// The names that `uri` tells; null if it is off. `auto` is the socket of this host, once it is
/// there.
std::unique_ptr<LibvirtNames> make_libvirt_names(const std::string& uri,
                                                 std::chrono::seconds interval);

}  // namespace vmflow
