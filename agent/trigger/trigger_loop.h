// SPDX-License-Identifier: GPL-2.0-only
// Takes what rules and people ask for, one snapshot at a time, in a thread of its own. Whoever asks
// has an answer at once; nothing waits for a disk or for LTTng but that thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "agent/analyze/snapshot_analysis.h"
#include "agent/trigger/snapshot_book.h"
#include "agent/trigger/snapshot_job.h"
#include "agent/trigger/snapshot_policy.h"
#include "agent/trigger/snapshot_store.h"
#include "agent/trigger/trace_recorder.h"

namespace vmflow {

struct Refused {
  Refusal why = Refusal::kOff;
  std::string message;               ///< one sentence, with what to do
  uint64_t retry_after_seconds = 0;  ///< 0: that is not known
};
/// The id of the snapshot that will be taken, or why none is.
using Asked = tl::expected<std::string, Refused>;

/// Units: `mono_ns` is CLOCK_MONOTONIC.
struct TriggerClock {
  std::function<uint64_t()> mono_ns;
  std::function<double()> unix_seconds;
};
TriggerClock system_clock();

/// What the loop is made of. `store` may be empty: everything is then refused as off, and
/// `off_because` says why.
struct TriggerParts {
  PolicyLimits limits;
  std::unique_ptr<SnapshotStore> store;
  std::string off_because;
  std::unique_ptr<TraceRecorder> recorder;
  std::function<SnapshotContext()> context;  ///< called from the loop's thread
  /// Analyses the snapshot in a folder, as long as it may go on; may be empty. The same thread.
  std::function<Result<SnapshotAnalysis>(const std::filesystem::path&,
                                         const std::function<bool()>&)>
      analyze;
  TriggerClock clock;
  std::vector<std::string> triggers;  ///< all that there are, so that their counts begin at 0
};

/// Threads: all from any.
class TriggerLoop {
 public:
  explicit TriggerLoop(TriggerParts parts);
  ~TriggerLoop();

  /// Answers at once. A trigger that `parts.triggers` does not name is refused.
  Asked request(TriggerRequest request);

  /// Ends the thread; a snapshot that is being taken ends early, with what there is. Returns false
  /// if it has not ended in time: it hangs in the recorder.
  bool stop(std::chrono::milliseconds most);

  /// Counts as of now; `evaluations` are for who has the rules.
  TraceFlow flow() const;
  std::vector<SnapshotSummary> list() const;
  std::optional<SnapshotSummary> find(const std::string& id) const;
  /// nullptr if there is none.
  const SnapshotStore* store() const { return parts_.store.get(); }
  /// Waits until nothing is being taken. For tests and orderly ends.
  bool wait_until_idle(std::chrono::milliseconds most);
  /// Waits until what earlier agents have left is known. For tests.
  bool wait_until_ready(std::chrono::milliseconds most);

 private:
  void run();
  void look_for_room();
  void work(const SnapshotJob& job);
  Result<TakenSnapshot> take(const SnapshotJob& job);
  void note(const SnapshotJob& job, const Result<TakenSnapshot>& taken);  // with mutex_ held
  void analyze(const SnapshotJob& job);
  Refused refusal(const TriggerRequest& request, Refusal why, uint64_t now_ns) const;

  TriggerParts parts_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  SnapshotPolicy policy_;
  SnapshotBook book_;
  std::map<std::string, TriggerFlow> triggers_;
  std::map<std::string, BackendFlow> backends_;
  AnalysisFlow analyses_;
  Room room_;
  std::optional<SnapshotJob> job_;
  bool ready_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace vmflow
