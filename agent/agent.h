// SPDX-License-Identifier: GPL-2.0-only
// The agent between its sources and its exporters: looks at the host when it is asked or when the
// tick comes, and keeps what one look leaves for the next.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/analyze/live_processes.h"
#include "agent/config.h"
#include "agent/http/metrics_page.h"
#include "agent/overhead_keeper.h"
#include "agent/rights/rights.h"
#include "agent/sources/bpf_programs.h"
#include "agent/sources/entry_watch.h"
#include "agent/sources/kept_looks.h"
#include "agent/sources/kernel_support.h"
#include "agent/sources/kernel_workers.h"
#include "agent/sources/libvirt_names.h"
#include "agent/sources/vm_inventory.h"
#include "agent/trigger/flight_recorder.h"
#include "agent/trigger/triggers.h"
#include "analysis/build_model.h"

namespace vmflow {

/// Threads: metrics(), api() and ready() from any thread, the rest from the main one.
class Agent {
 public:
  /// What needs rights is done by `rights`, which must outlive it, and gives them up afterwards.
  Agent(Config config, Rights& rights)
      : config_(std::move(config)), rights_(rights), overhead_(config_) {}

  /// Attaches if KVM is there; if it is not, tick() does it when it appears.
  /// Errors: not permitted, or nothing could be right on this kernel.
  Result<void> start();

  /// From now on `triggers` are told every tick what was seen; not before start().
  void tell(Triggers& triggers) { triggers_ = &triggers; }

  /// From now on pages say what `web` tells of the HTTP surface.
  void ask(std::function<WebFlow()> web);

  /// Once a second: attaches if KVM has appeared, and looks once, so that slots come free again.
  void tick();

  /// A page as of now, in the text exposition format; of several that are asked for at once there
  /// is one (see SharedPages). Neither a tick nor the API waits while its text is made.
  SharedPage metrics() { return shared_pages_.get(); }

  /// The answer to an API path below kApiRoot as of now; nullopt if there is none.
  std::optional<std::string> api(const std::string& path);

  /// Programs are attached and the maps have been read once.
  bool ready();

  /// What a recorder of traces may ask. Threads: any, as long as this lives.
  LiveSide live_side();

  /// Takes every program out of the kernel; what was counted is gone.
  void detach();

 private:
  // Whether a VM's own time is its load or contention inside it is looked up every other second,
  // and only while a VM is limited by itself.
  static constexpr uint64_t kProcessesFreshNs = 1'900'000'000;
  static constexpr uint64_t kProcessesSpanNs = 2'000'000'000;

  Result<void> attach_if_possible();  // with mutex_ held
  Result<void> load();                // with mutex_ held
  void retry_attach();                // with mutex_ held
  void give_up_rights();              // with mutex_ held
  void check_exit_codes();            // with mutex_ held
  void watch_entries();               // with mutex_ held
  void look_at_processes();
  void note_limits(const FlowModel&);  // with mutex_ held
  FlowModel look_now(bool with_pairs);
  std::string make_page();
  FlowModel look(bool with_pairs);                  // with mutex_ held
  Snapshot read_maps(AgentFlow&, bool with_pairs);  // with mutex_ held
  void keep_look();                                 // with mutex_ held
  void identify(Snapshot& snapshot);                // with mutex_ held
  Snapshot look_at_slots(std::vector<SlotCopy>);    // with mutex_ held
  void forget_departed();                           // with mutex_ held
  void warn_once(const FlowModel&);                 // with mutex_ held
  void tell_left_out();

  const Config config_;
  Rights& rights_;
  OverheadKeeper overhead_;
  bool has_rights_ = true;
  Triggers* triggers_ = nullptr;
  // Of make_page() alone, which one thread calls at a time.
  PrometheusPages pages_{{.per_vcpu = config_.per_vcpu,
                          .vm_waits = config_.vm_wait_histograms,
                          .most_series = config_.max_series}};
  std::string left_out_;  ///< names of metrics that the last page left out
  SharedPages shared_pages_{[this] { return make_page(); }};
  std::function<WebFlow()> web_;
  std::mutex mutex_;
  std::optional<KernelSupport> support_;
  std::optional<BpfPrograms> programs_;
  VmInventory inventory_;
  std::unique_ptr<LibvirtNames> libvirt_;  ///< from start() on; null: it is not to be asked
  KernelWorkers kernel_workers_;
  Carry carry_;
  std::vector<SlotCopy> slots_room_;  ///< memory of the last look's, for the next
  EntryWatch entries_;
  // Of the ring, for who must not wait for mutex_: the model asks the recorder while it is held.
  std::atomic<bool> has_ring_ = false;
  std::atomic<uint64_t> ring_span_ns_ = 0;
  std::atomic<uint64_t> ring_bytes_ = 0;
  LiveProcesses processes_;
  LiveProcesses evidence_{kProcessesFreshNs, kProcessesSpanNs};
  std::map<VmKey, GuestContention> contention_;  ///< of VMs that were limited by themselves
  uint64_t own_ns_ = 0;             ///< limits of all VMs by themselves, at the last tick
  bool limited_by_itself_ = false;  ///< some VM was, in the last second
  uint64_t pairs_ns_ = 0;           ///< when a tick last read who took what
  KeptLooks looks_;                 ///< some of the last seconds', to hold traces against
  bool checking_codes_ = false;
  bool entries_missing_ = false;
  bool looked_ = false;
  bool warned_entries_missing_ = false;
  bool warned_slots_full_ = false;
  std::string last_attach_error_;
  uint32_t ticks_until_retry_ = 0;
};

}  // namespace vmflow
