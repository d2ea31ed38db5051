// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/connection.h"

#include <sys/epoll.h>

#include <cctype>
#include <utility>

namespace vmflow {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// As Go's server says it, so that people find what it means.
constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "Client sent an HTTP request to an HTTPS server.\n";
constexpr size_t kChunk = 16u << 10;
constexpr size_t kMostDrained = 1u << 20;  // a client that has not read its answer by then will not

constexpr HttpProblem kHeadTooLarge{431, "the header is too large", HttpRefusal::kHeaderTooLarge};
constexpr HttpProblem kBodyTooLarge{413, "the body is too large", HttpRefusal::kBodyTooLarge};
constexpr HttpProblem kNoRequest{400, "not a request of HTTP/1.1", HttpRefusal::kMalformed};
constexpr HttpProblem kTooSlow{408, "the request did not come in time", HttpRefusal::kSlow};

}  // namespace

Connection::Connection(uint64_t id, std::unique_ptr<Channel> channel, std::string peer,
                       const ConnectionLimits& limits, Owner& owner,
                       ConnectionClock::time_point now)
    : id_(id),
      channel_(std::move(channel)),
      peer_(std::move(peer)),
      limits_(limits),
      owner_(owner) {
  enter(Phase::kHandshake, now);
}

std::chrono::milliseconds Connection::limit_of(Phase phase) const {
  switch (phase) {
    case Phase::kHandshake:
      return limits_.handshake;
    case Phase::kIdle:
      return had_request_ ? limits_.between_requests : limits_.first_byte;
    case Phase::kHead:
      return limits_.head;
    case Phase::kBody:
      return limits_.body;
    case Phase::kReply:
      return limits_.reply;
    case Phase::kLinger:
      return limits_.linger;
    case Phase::kWorking:
    case Phase::kOver:
      break;
  }
  return std::chrono::hours(24);  // ours to end, not the client's
}

void Connection::enter(Phase phase, ConnectionClock::time_point now) {
  phase_ = phase;
  since_ = now;
  deadline_ = now + limit_of(phase);
}

bool Connection::wait_for(ChannelStep step) {
  epoll_events_ = step == ChannelStep::kWantsWrite ? EPOLLOUT : EPOLLIN;
  return false;
}

void Connection::advance(ConnectionClock::time_point now) {
  while (step(now)) {
  }
}

bool Connection::step(ConnectionClock::time_point now) {
  switch (phase_) {
    case Phase::kHandshake:
      return shake_hands(now);
    case Phase::kIdle:
    case Phase::kHead:
    case Phase::kBody:
      return understand(now) || receive(now);
    case Phase::kReply:
      return send(now);
    case Phase::kLinger:
      return drain();
    case Phase::kWorking:
    case Phase::kOver:
      break;
  }
  epoll_events_ = 0;
  return false;
}

bool Connection::shake_hands(ConnectionClock::time_point now) {
  const auto step = channel_->handshake();
  if (step == ChannelStep::kWantsRead || step == ChannelStep::kWantsWrite) return wait_for(step);
  if (step == ChannelStep::kDone)
    enter(Phase::kIdle, now);
  else
    handshake_ended(now);
  return true;
}

void Connection::handshake_ended(ConnectionClock::time_point now) {
  const auto why = channel_->why_handshake_ended();
  if (!why) return enter(Phase::kOver, now);
  owner_.note_refusal(why->refusal, peer_, why->text);
  if (why->refusal == HttpRefusal::kPlainHttp) channel_->write_plain(kPlainHttpAnswer);
  // Closed at once, what the client still sends would make it lose what it has been told.
  channel_->end_writing();
  enter(Phase::kLinger, now);
}

bool Connection::receive(ConnectionClock::time_point now) {
  std::array<char, kChunk> chunk;
  const auto [step, bytes] = channel_->read(chunk);
  if (step == ChannelStep::kEnded) {
    enter(Phase::kOver, now);
    return true;
  }
  if (step != ChannelStep::kDone) return wait_for(step);
  in_.append(chunk.data(), bytes);
  return true;
}

bool Connection::understand(ConnectionClock::time_point now) {
  if (in_.empty() && phase_ != Phase::kBody) return false;
  if (phase_ == Phase::kIdle) enter(Phase::kHead, now);
  if (phase_ == Phase::kHead && !understand_head(now)) return phase_ != Phase::kHead;
  if (in_.size() < head_.content_length) return false;
  auto body = in_.substr(0, head_.content_length);
  in_.erase(0, head_.content_length);
  in_.shrink_to_fit();
  had_request_ = true;
  enter(Phase::kWorking, now);
  owner_.take_request(*this, std::exchange(head_, {}), std::move(body));
  return true;
}

/// True: the head is there, and good.
bool Connection::understand_head(ConnectionClock::time_point now) {
  const auto refused = [&](const HttpProblem& problem) {
    refuse(problem, problem.text, now);
    return false;
  };
  // Seen at once: TLS where there is none, or another protocol.
  if (std::isalpha(static_cast<unsigned char>(in_.front())) == 0) return refused(kNoRequest);
  const auto end = in_.find(kHeadEnd, searched_);
  if (end == std::string::npos ? in_.size() > limits_.head_bytes : end > limits_.head_bytes)
    return refused(kHeadTooLarge);
  if (end == std::string::npos) {
    searched_ = in_.size() - std::min(in_.size(), kHeadEnd.size() - 1);
    return false;
  }
  searched_ = 0;
  auto head = parse_request_head(std::string_view(in_).substr(0, end + kHeadEnd.size()));
  if (!head) return refused(head.error());
  if (head->content_length > limits_.body_bytes) return refused(kBodyTooLarge);
  in_.erase(0, end + kHeadEnd.size());
  head_ = std::move(*head);
  enter(Phase::kBody, now);
  if (head_.expects_continue && in_.size() < head_.content_length &&
      channel_->write(kContinue).bytes != kContinue.size()) {
    enter(Phase::kOver, now);
    return false;
  }
  return true;
}

void Connection::give_reply(HttpReply reply, ConnectionClock::time_point now) {
  out_ = std::move(reply.bytes);
  sent_ = 0;
  closes_ = reply.closes;
  enter(Phase::kReply, now);
}

void Connection::refuse(const HttpProblem& problem, std::string_view detail,
                        ConnectionClock::time_point now) {
  owner_.note_refusal(problem.refusal, peer_, detail);
  in_ = {};
  searched_ = 0;
  give_reply({owner_.answer_to(problem), true}, now);
}

bool Connection::send(ConnectionClock::time_point now) {
  const auto [step, bytes] = channel_->write(std::string_view(out_).substr(sent_));
  if (step == ChannelStep::kWantsRead || step == ChannelStep::kWantsWrite) return wait_for(step);
  if (step == ChannelStep::kEnded) {
    enter(Phase::kOver, now);
    return true;
  }
  sent_ += bytes;
  if (sent_ < out_.size()) return true;
  out_ = {};
  if (closes_) channel_->end_writing();
  enter(closes_ ? Phase::kLinger : Phase::kIdle, now);
  return true;
}

bool Connection::drain() {
  std::array<char, kChunk> chunk;
  for (;;) {
    const auto [step, bytes] = channel_->read_plain(chunk);
    drained_ += bytes;
    if (step == ChannelStep::kEnded || drained_ > kMostDrained) phase_ = Phase::kOver;
    if (step != ChannelStep::kDone || phase_ == Phase::kOver)
      return wait_for(ChannelStep::kWantsRead);
  }
}

void Connection::expire(ConnectionClock::time_point now) {
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody:
      refuse(kTooSlow, kTooSlow.text, now);
      return advance(now);
    case Phase::kHandshake:
      owner_.note_refusal(HttpRefusal::kSlow, peer_, "the TLS handshake did not end in time");
      break;
    case Phase::kReply:
      owner_.note_refusal(HttpRefusal::kSlow, peer_, "the answer was not read in time");
      break;
    case Phase::kIdle:
      channel_->end_writing();
      break;
    case Phase::kWorking:
    case Phase::kLinger:
    case Phase::kOver:
      break;
  }
  enter(Phase::kOver, now);
}

}  // namespace vmflow
