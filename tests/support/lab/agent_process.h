// SPDX-License-Identifier: GPL-2.0-only
// A vmflowd of its own for a test.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "page.h"
#include "process.h"

namespace vmflow::lab {

/// Reads the pages of an agent that is there already. Keeps its connection.
class PageReader {
 public:
  explicit PageReader(int port);
  PageReader(PageReader&&) noexcept;
  ~PageReader();
  bool is_ready();
  /// Errors: throws if the answer is not 200.
  Page read();

 private:
  struct Client;
  std::unique_ptr<Client> client_;
};

/// Started at a free port of loopback. Destroyed: killed.
class AgentProcess {
 public:
  /// Takes no snapshots, unless a flag of --trace says otherwise.
  explicit AgentProcess(std::vector<std::string> flags = {});

  /// Waits until it is ready. Errors: throws with its log.
  void wait_until_ready();
  /// Errors: throws if the answer is not 200.
  Page scrape();
  /// Status of a GET, 0 if nothing answers.
  int status_of(const std::string& path);
  /// The body of a GET, whatever its status; empty if nothing answers.
  std::string get(const std::string& path);
  Process& process() { return process_; }
  /// SIGTERM, and what it left.
  Finished stop();
  int port() const { return port_; }

 private:
  int port_;
  Process process_;
};

/// A loopback port that nobody listens on now.
int free_port();

/// Where the build has put them.
std::string vmflowd_path();
std::string vmflow_path();
std::string ground_truth_path();

}  // namespace vmflow::lab
