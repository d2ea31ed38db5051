// SPDX-License-Identifier: GPL-2.0-only
// The real server on a free port of the loopback device, with pages made up, and what it logs.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/http/server.h"
#include "tests/agent/web/certificates.h"

namespace vmflow::test {

/// Short deadlines, so that tests are.
inline ConnectionLimits short_limits() {
  using std::chrono::milliseconds;
  ConnectionLimits limits;
  limits.handshake = limits.first_byte = limits.head = limits.body = milliseconds(400);
  limits.reply = limits.linger = milliseconds(400);
  limits.between_requests = std::chrono::seconds(5);
  return limits;
}

class LogLines : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    lines_.emplace_back(message.payload.data(), message.payload.size());
  }
  void flush_() override {}

  std::vector<std::string> lines_;
};

inline std::string made_up_page(size_t bytes = 100) {
  return "up 1\n" + std::string(bytes, '#') + "\n";
}

class WebServer {
 public:
  /// `yaml`: of the web configuration; empty: plain HTTP, without one.
  explicit WebServer(const std::string& yaml, ConnectionLimits limits = short_limits(),
                     SnapshotApi* snapshots = nullptr, size_t page_bytes = 100)
      : logger_before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log_));
    const auto path = yaml.empty() ? "" : folder_.write("web.yml", yaml);
    const auto page = made_up_page(page_bytes);
    auto started = HttpServer::start({.web_config_file = path, .limits = limits},
                                     {.metrics =
                                          [this, page] {
                                            scrapes_++;
                                            return std::make_shared<MetricsPage>(page);
                                          },
                                      .api = [](const auto&) { return std::string("{}"); },
                                      .ready = [] { return true; },
                                      .snapshots = snapshots});
    if (!started) ADD_FAILURE() << started.error().message;
    if (started) server_ = std::make_unique<HttpServer>(std::move(*started));
  }
  ~WebServer() {
    server_.reset();
    spdlog::set_default_logger(logger_before_);
  }

  int port() const { return server_->port(); }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port()); }
  std::string plain_url() const { return "http://127.0.0.1:" + std::to_string(port()); }
  const TemporaryFolder& folder() const { return folder_; }
  WebFlow flow() const { return server_->flow(); }
  /// Pages of metrics that were asked for by who may.
  int scrapes() const { return scrapes_; }
  uint64_t refused(HttpRefusal refusal) const {
    return server_->flow().refused[static_cast<size_t>(refusal)];
  }
  /// Lines of the log that hold `words`.
  size_t logged(const std::string& words) const {
    size_t count = 0;
    for (const auto& line : log_->lines()) count += line.find(words) != std::string::npos ? 1 : 0;
    return count;
  }
  std::string log() const {
    std::string all;
    for (const auto& line : log_->lines()) all += line + "\n";
    return all;
  }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<LogLines> log_ = std::make_shared<LogLines>();
  std::shared_ptr<spdlog::logger> logger_before_;
  std::atomic<int> scrapes_ = 0;
  std::unique_ptr<HttpServer> server_;
};

/// Waits until `holds`, for so many seconds at most.
template <typename Holds>
bool eventually(Holds holds, int seconds = 20) {
  for (int i = 0; i < seconds * 100; i++) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// The client of a handshake that fails may know of it first.
inline void expect_refused(const WebServer& server, HttpRefusal refusal, uint64_t count) {
  eventually([&] { return server.refused(refusal) >= count; });
  EXPECT_EQ(server.refused(refusal), count) << refusal_name(refusal) << "\n" << server.log();
}

/// tls_server_config with the made certificate, and `more` lines in it.
inline std::string tls_yaml(const std::string& more = "") {
  const auto& made = Certificates::get();
  return "tls_server_config:\n  cert_file: " + made.server.cert +
         "\n  key_file: " + made.server.key + "\n" + more;
}

inline std::string users_yaml(const std::string& user = "eva",
                              const std::string& password = "correct horse") {
  return "basic_auth_users:\n  " + user + ": " + bcrypt(password) + "\n";
}

}  // namespace vmflow::test
