// SPDX-License-Identifier: GPL-2.0-only
// What vmflow asks of an LTTng session daemon. LttngClient is the real one; tests of what is made
// of the answers have their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// What a full buffer does.
enum class Overflow {
  overwrite,  ///< the oldest events go: a flight recorder
  discard,    ///< the newest are not recorded, and counted: for tests of loss
};

/// One kernel session with one channel. Units: bytes; sizes are powers of two (see BufferSize).
struct LttngPlan {
  std::string session;
  std::vector<std::string> events;  ///< exact names
  uint64_t sub_buffer_bytes = 0;
  uint32_t sub_buffers = 0;  ///< per CPU
  Overflow overflow = Overflow::overwrite;
};

/// A session as the daemon has it.
struct LttngReadBack {
  bool is_active = false;
  uint64_t sub_buffer_bytes = 0;
  uint64_t sub_buffers = 0;
  bool overwrites = false;
  uint64_t discarded_events = 0;    ///< as told by the daemon, which does not count snapshots
  uint64_t lost_packets = 0;        ///< likewise
  std::vector<std::string> events;  ///< enabled ones, of all channels
  std::vector<std::string> channels;
};

/// Errors: each call returns one sentence; none takes longer than its deadline, even if the daemon
/// hangs. Threads: one at a time.
class LttngControl {
 public:
  virtual ~LttngControl() = default;

  /// Kernel tracepoints that can be enabled.
  virtual Result<std::vector<std::string>> tracepoints() = 0;
  virtual Result<std::vector<std::string>> sessions() = 0;
  /// Makes a snapshot session with its channel, contexts (pid, tid, procname) and events: all of it
  /// or none. Errors: also a name with a wildcard.
  virtual Result<void> create(const LttngPlan& plan) = 0;
  virtual Result<void> start(const std::string& session) = 0;
  virtual Result<void> stop(const std::string& session) = 0;
  virtual Result<void> destroy(const std::string& session) = 0;
  virtual Result<LttngReadBack> read_back(const std::string& session) = 0;
  /// Writes what the buffers hold below `folder`, an absolute path. The daemon does that: as root,
  /// and where its own mount namespace has that path.
  /// Units: `most_bytes` of the newest, rounded to sub-buffers; 0: all.
  virtual Result<void> save(const std::string& session, const std::filesystem::path& folder,
                            uint64_t most_bytes) = 0;
};

}  // namespace vmflow
