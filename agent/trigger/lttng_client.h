// SPDX-License-Identifier: GPL-2.0-only
// The LTTng session daemon, behind a deadline. liblttng-ctl waits for its daemon without a limit,
// and keeps one socket for the whole process: no thread could be trusted with it. So every call is
// made in a short-lived child (see isolated_call.h); a daemon that is stopped or stuck costs the
// deadline and an error, nothing else.
#pragma once

#include <chrono>

#include "agent/trigger/lttng_control.h"

namespace vmflow {

struct LttngDeadlines {
  std::chrono::milliseconds ask{5000};      ///< what only reads
  std::chrono::milliseconds change{30000};  ///< each event enabled may wait for all CPUs
  /// The agent's end may wait for it; a daemon that is only slow goes on with it by itself.
  std::chrono::milliseconds destroy{10000};
  std::chrono::milliseconds save{60000};  ///< as slow as the disk
};

/// Needs root or the group `tracing`: others reach only a daemon of their own, which has no kernel
/// tracer, and that is the error they get. Threads: any, and several at once.
class LttngClient final : public LttngControl {
 public:
  explicit LttngClient(LttngDeadlines deadlines = {}) : deadlines_(deadlines) {}
  LttngClient(const LttngClient&) = delete;
  LttngClient& operator=(const LttngClient&) = delete;
  LttngClient(LttngClient&&) = default;
  LttngClient& operator=(LttngClient&&) = default;

  /// Errors: none is reachable, or it does not answer.
  Result<void> alive();

  Result<std::vector<std::string>> tracepoints() override;
  Result<std::vector<std::string>> sessions() override;
  Result<void> create(const LttngPlan& plan) override;
  Result<void> start(const std::string& session) override;
  Result<void> stop(const std::string& session) override;
  Result<void> destroy(const std::string& session) override;
  Result<LttngReadBack> read_back(const std::string& session) override;
  Result<void> save(const std::string& session, const std::filesystem::path& folder,
                    uint64_t most_bytes) override;

 private:
  LttngDeadlines deadlines_;
};

}  // namespace vmflow
