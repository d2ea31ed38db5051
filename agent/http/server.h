// SPDX-License-Identifier: GPL-2.0-only
// The HTTP surface: metrics, API, landing page, health.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/http/connection.h"
#include "agent/http/metrics_page.h"
#include "agent/http/snapshot_api.h"
#include "agent/result.h"
#include "analysis/web_flow.h"

namespace vmflow {

/// What the server asks the agent for. Threads: called from the server's threads.
struct HttpHandlers {
  std::function<SharedPage()> metrics;  ///< a fresh page in the text exposition format 0.0.4
  /// The JSON for a path below kApiRoot; nullopt if there is none.
  std::function<std::optional<std::string>(const std::string&)> api;
  std::function<bool()> ready;
  SnapshotApi* snapshots = nullptr;  ///< lists and takes snapshots; lives longer than the server
};

struct HttpSettings {
  std::string host = "127.0.0.1";
  int port = 0;  ///< 0: any that is free
  std::string telemetry_path = "/metrics";
  std::string web_config_file{};  ///< of TLS and passwords; empty: neither
  ConnectionLimits limits{};
};

/// Serves until it is destroyed. Threads: all from any.
class HttpServer {
 public:
  /// Errors: the address cannot be bound (taken, not ours, no privilege), or the web configuration
  /// cannot be used.
  static Result<HttpServer> start(const HttpSettings& settings, HttpHandlers handlers);
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;
  ~HttpServer();

  int port() const;
  bool has_tls() const;
  WebFlow flow() const;

 private:
  struct Running;
  explicit HttpServer(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

}  // namespace vmflow
