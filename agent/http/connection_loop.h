// SPDX-License-Identifier: GPL-2.0-only
// All clients of a server in one thread that never waits for any of them. cpp-httplib would give
// each connection a thread for as long as it likes, and knows no deadline for a whole request;
// here a client gets one of few threads only once its request is there, whole and authorised.
#pragma once

#include <httplib.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "agent/http/connection.h"
#include "agent/http/rate_limiter.h"
#include "agent/http/refusal_log.h"
#include "agent/http/web_config_file.h"
#include "analysis/web_flow.h"

namespace vmflow {

/// Serves until it is destroyed. Threads: flow() from any.
class ConnectionLoop final : private Connection::Owner {
 public:
  /// Called from several threads at once.
  using Answer = std::function<HttpReply(const RequestHead&, std::string body)>;

  ConnectionLoop(FileHandle listener, std::unique_ptr<WebConfigFile> config, Answer answer,
                 ConnectionLimits limits);
  ~ConnectionLoop();

  WebFlow flow() const;

 private:
  struct Finished {
    uint64_t connection;
    HttpReply reply;
    bool is_refused;  ///< for a wrong password; there is no reply
  };

  void run();
  void accept_clients();
  void serve(uint64_t id, uint32_t events);
  void deliver_finished();
  void expire_and_shed();
  bool make_room(bool for_bytes);
  void settle(Connection& connection);
  void close(uint64_t id);
  void listen(bool accepts);
  int wait_ms() const;

  void take_request(Connection& connection, RequestHead head, std::string body) override;
  void note_refusal(HttpRefusal refusal, const std::string& peer, std::string_view detail) override;
  std::string answer_to(const HttpProblem& problem) override;
  void work(uint64_t id, std::shared_ptr<const WebSetup> setup, RequestHead head, std::string body);
  void check_password(uint64_t id, std::shared_ptr<const WebSetup> setup, Credentials who,
                      RequestHead head, std::string body);
  void finish(Finished finished);

  const FileHandle listener_;
  const std::unique_ptr<WebConfigFile> config_;
  const Answer answer_;
  const ConnectionLimits limits_;
  const FileHandle epoll_, wake_;
  std::shared_ptr<const WebSetup> setup_;
  ConnectionClock::time_point now_, looked_;
  uint64_t next_id_;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::map<std::string, uint32_t> per_peer_;
  bool accepts_ = true;
  RateLimiter rate_;
  RefusalLog refusals_;
  std::atomic<uint64_t> open_ = 0;
  std::atomic<uint32_t> waiting_passwords_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<Finished> finished_;  ///< of the threads below, for the loop
  httplib::ThreadPool workers_;
  httplib::ThreadPool passwords_;  ///< one thread: a bcrypt takes a CPU for a long time
  std::thread thread_;
};

}  // namespace vmflow
