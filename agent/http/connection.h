// SPDX-License-Identifier: GPL-2.0-only
// One client's connection: from its handshake to its end, each phase with a deadline for all of it,
// so that bytes that trickle win nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/http/channel.h"
#include "agent/http/request_head.h"

namespace vmflow {

using ConnectionClock = std::chrono::steady_clock;

/// Of all connections of a server. Durations are deadlines, not pauses between two bytes.
struct ConnectionLimits {
  std::chrono::milliseconds handshake{10'000};
  std::chrono::milliseconds first_byte{10'000};
  std::chrono::milliseconds head{10'000};
  std::chrono::milliseconds body{30'000};
  std::chrono::milliseconds reply{60'000};
  std::chrono::milliseconds between_requests{180'000};  ///< longer than any scrape interval in use
  std::chrono::milliseconds linger{2'000};  ///< for a client that still sends after the last answer
  size_t head_bytes = 16u << 10;
  size_t body_bytes = 1u << 20;
  size_t connections = 256;
  size_t held_bytes = 64u << 20;  ///< requests and answers in memory, all together
  size_t waiting_passwords = 16;  ///< that a bcrypt is still to be made of
};

struct HttpReply {
  std::string bytes;
  bool closes = false;
};

class Connection {
 public:
  enum class Phase { kHandshake, kIdle, kHead, kBody, kWorking, kReply, kLinger, kOver };

  /// Who is told what comes of it.
  class Owner {
   public:
    /// The connection waits for give_reply().
    virtual void take_request(Connection& connection, RequestHead head, std::string body) = 0;
    virtual void note_refusal(HttpRefusal refusal, const std::string& peer,
                              std::string_view detail) = 0;
    virtual std::string answer_to(const HttpProblem& problem) = 0;

   protected:
    ~Owner() = default;
  };

  Connection(uint64_t id, std::unique_ptr<Channel> channel, std::string peer,
             const ConnectionLimits& limits, Owner& owner, ConnectionClock::time_point now);

  /// Goes on as far as it can without waiting.
  void advance(ConnectionClock::time_point now);
  void give_reply(HttpReply reply, ConnectionClock::time_point now);
  /// Tells the client what is wrong, and closes. To be called in Phase::kWorking.
  void refuse(const HttpProblem& problem, std::string_view detail, ConnectionClock::time_point now);
  /// What comes when the deadline has passed.
  void expire(ConnectionClock::time_point now);

  uint64_t id() const { return id_; }
  int fd() const { return channel_->fd(); }
  const std::string& peer() const { return peer_; }
  Phase phase() const { return phase_; }
  ConnectionClock::time_point since() const { return since_; }  ///< when its phase began
  ConnectionClock::time_point deadline() const { return deadline_; }
  uint32_t epoll_events() const { return epoll_events_; }  ///< that it waits for
  size_t held_bytes() const { return in_.capacity() + out_.capacity(); }

 private:
  bool step(ConnectionClock::time_point now);
  bool shake_hands(ConnectionClock::time_point now);
  void handshake_ended(ConnectionClock::time_point now);
  bool receive(ConnectionClock::time_point now);
  bool understand(ConnectionClock::time_point now);
  bool understand_head(ConnectionClock::time_point now);
  bool send(ConnectionClock::time_point now);
  bool drain();
  void enter(Phase phase, ConnectionClock::time_point now);
  std::chrono::milliseconds limit_of(Phase phase) const;
  bool wait_for(ChannelStep step);

  const uint64_t id_;
  const std::unique_ptr<Channel> channel_;
  const std::string peer_;
  const ConnectionLimits& limits_;
  Owner& owner_;
  Phase phase_ = Phase::kHandshake;
  ConnectionClock::time_point since_, deadline_;
  uint32_t epoll_events_ = 0;
  std::string in_, out_;
  size_t searched_ = 0, sent_ = 0, drained_ = 0;
  RequestHead head_;
  bool had_request_ = false;
  bool closes_ = false;
};

}  // namespace vmflow
