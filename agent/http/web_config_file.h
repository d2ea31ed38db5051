// SPDX-License-Identifier: GPL-2.0-only
// The file of --web.config.file and those that it names, as they are now.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/http/password_check.h"
#include "agent/http/tls_context.h"
#include "agent/http/web_config.h"
#include "agent/result.h"
#include "analysis/web_flow.h"

namespace vmflow {

/// All that is made of one state of the files.
struct WebSetup {
  TlsContext tls;  ///< null: plain HTTP
  std::shared_ptr<PasswordCheck> passwords;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<RateLimit> rate_limit;
};

/// Threads: fill_in() from any, the rest from one.
class WebConfigFile {
 public:
  /// `path` empty: plain HTTP for everybody.
  /// Errors: the file, or one that it names, cannot be read or used.
  static Result<std::unique_ptr<WebConfigFile>> open(const std::string& path);

  /// Reads again what has changed. What cannot be used changes nothing; it is logged once. Nor does
  /// a file that has no TLS or no users any more, where it had: half a file must not open the door.
  std::shared_ptr<const WebSetup> current();

  /// Sets what is told of reloads.
  void fill_in(WebFlow& flow) const;

 private:
  /// Of a file, what shows that it is another one.
  struct Stamp {
    std::string path;
    std::vector<int64_t> state;
    bool operator==(const Stamp&) const = default;
  };

  explicit WebConfigFile(std::string path) : path_(std::move(path)) {}
  Result<std::shared_ptr<const WebSetup>> read();
  std::vector<Stamp> stamps() const;

  const std::string path_;
  std::vector<std::string> files_;
  std::vector<Stamp> read_state_;
  std::shared_ptr<const WebSetup> setup_;
  std::atomic<bool> successful_ = true;
  std::atomic<double> success_unix_seconds_ = 0;
};

/// Whether `path` could be used. Errors: as open().
Result<void> check_web_config(const std::string& path);

}  // namespace vmflow
