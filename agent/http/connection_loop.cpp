// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/connection_loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "agent/http/listening_socket.h"
#include "agent/http/problem_text.h"

namespace vmflow {
namespace {

constexpr uint64_t kListener = 0, kWake = 1, kFirstConnection = 2;
constexpr int kMostWaitMs = 1000;
constexpr int kMostAcceptedAtOnce = 64;
constexpr size_t kWorkers = 8;
constexpr size_t kWorthShedding = 64u << 10;  // less is no reason to close a connection
constexpr std::chrono::seconds kBetweenLooks{1};

constexpr HttpProblem kNoCredentials{401, "Unauthorized", HttpRefusal::kCredentials};
constexpr HttpProblem kTooManyChecks{503, "too many passwords are being checked",
                                     HttpRefusal::kOverload};
constexpr HttpProblem kTooOften{429, "Too Many Requests", HttpRefusal::kRate};

void watch(const FileHandle& epoll, int operation, int fd, uint64_t id, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  epoll_ctl(epoll.get(), operation, fd, &event);
}

}  // namespace

ConnectionLoop::ConnectionLoop(FileHandle listener, std::unique_ptr<WebConfigFile> config,
                               Answer answer, ConnectionLimits limits)
    : listener_(std::move(listener)),
      config_(std::move(config)),
      answer_(std::move(answer)),
      limits_(limits),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      setup_(config_->current()),
      next_id_(kFirstConnection),
      workers_(kWorkers),
      passwords_(1) {
  watch(epoll_, EPOLL_CTL_ADD, listener_.get(), kListener, EPOLLIN);
  watch(epoll_, EPOLL_CTL_ADD, wake_.get(), kWake, EPOLLIN);
  thread_ = std::thread([this] { run(); });
}

ConnectionLoop::~ConnectionLoop() {
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
  // In this order: the one hands over to the other.
  passwords_.shutdown();
  workers_.shutdown();
}

WebFlow ConnectionLoop::flow() const {
  WebFlow flow;
  flow.connections = open_;
  for (uint32_t i = 0; i < kHttpRefusals; i++)
    flow.refused[i] = refusals_.count(static_cast<HttpRefusal>(i));
  config_->fill_in(flow);
  return flow;
}

void ConnectionLoop::run() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::array<epoll_event, 64> events{};
  while (!stopping_) {
    const int count =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
    now_ = ConnectionClock::now();
    for (int i = 0; i < count; i++) {
      const auto id = events[static_cast<size_t>(i)].data.u64;
      if (id == kListener)
        accept_clients();
      else if (id == kWake)
        deliver_finished();
      else
        serve(id, events[static_cast<size_t>(i)].events);
    }
    expire_and_shed();
  }
}

int ConnectionLoop::wait_ms() const {
  auto next = ConnectionClock::now() + std::chrono::milliseconds(kMostWaitMs);
  for (const auto& [id, connection] : connections_) next = std::min(next, connection->deadline());
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - ConnectionClock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, kMostWaitMs));
}

void ConnectionLoop::accept_clients() {
  for (int i = 0; i < kMostAcceptedAtOnce; i++) {
    // All wait for answers of ours: the next one waits in the kernel's queue.
    if (connections_.size() >= limits_.connections && !make_room(false)) return listen(false);
    auto [socket, peer] = accept_client(listener_);
    if (!socket && (errno == EMFILE || errno == ENFILE)) {
      if (make_room(false)) continue;
      return listen(false);
    }
    if (!socket) return;
    setup_ = config_->current();
    const auto id = next_id_++;
    auto channel = make_channel(std::move(socket), setup_->tls);
    if (!channel) return;
    watch(epoll_, EPOLL_CTL_ADD, channel->fd(), id, 0);
    per_peer_[peer]++;
    Connection::Owner& owner = *this;
    auto made =
        std::make_unique<Connection>(id, std::move(channel), std::move(peer), limits_, owner, now_);
    auto& connection = *connections_.emplace(id, std::move(made)).first->second;
    open_ = connections_.size();
    connection.advance(now_);
    settle(connection);
  }
}

void ConnectionLoop::serve(uint64_t id, uint32_t events) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  auto& connection = *found->second;
  // Gone while its request is worked on: nobody is there to read the answer.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 && connection.phase() == Connection::Phase::kWorking)
    return close(id);
  connection.advance(now_);
  settle(connection);
}

/// Waits for what the connection wants next, or forgets it.
void ConnectionLoop::settle(Connection& connection) {
  if (connection.phase() == Connection::Phase::kOver) return close(connection.id());
  watch(epoll_, EPOLL_CTL_MOD, connection.fd(), connection.id(), connection.epoll_events());
}

void ConnectionLoop::close(uint64_t id) {
  const auto found = connections_.find(id);
  const auto peer = per_peer_.find(found->second->peer());
  if (--peer->second == 0) per_peer_.erase(peer);
  connections_.erase(found);
  open_ = connections_.size();
  listen(true);
}

/// Whether new clients are accepted; else the loop would be told of them again and again.
void ConnectionLoop::listen(bool accepts) {
  if (accepts == std::exchange(accepts_, accepts)) return;
  watch(epoll_, EPOLL_CTL_MOD, listener_.get(), kListener, accepts ? uint32_t{EPOLLIN} : 0);
}

/// Closes the connection that can be spared best: of the peer that has most of them, the one that
/// has been in its phase for longest. False: there is none.
bool ConnectionLoop::make_room(bool for_bytes) {
  const Connection* spared = nullptr;
  const auto weight = [&](const Connection& connection) {
    return std::pair(per_peer_[connection.peer()], now_ - connection.since());
  };
  for (const auto& [id, connection] : connections_) {
    if (connection->phase() == Connection::Phase::kWorking) continue;
    if (for_bytes && connection->held_bytes() < kWorthShedding) continue;
    if (spared == nullptr || weight(*connection) > weight(*spared)) spared = connection.get();
  }
  if (spared == nullptr) return false;
  note_refusal(
      HttpRefusal::kOverload, spared->peer(),
      for_bytes ? "requests and answers take too much memory" : "there are too many connections");
  close(spared->id());
  return true;
}

void ConnectionLoop::expire_and_shed() {
  size_t held = 0;
  std::vector<uint64_t> late;
  for (const auto& [id, connection] : connections_) {
    held += connection->held_bytes();
    if (now_ >= connection->deadline()) late.push_back(id);
  }
  for (const auto id : late) {
    auto& connection = *connections_.at(id);
    connection.expire(now_);
    settle(connection);
  }
  while (held > limits_.held_bytes && make_room(true)) {
    held = 0;
    for (const auto& [id, connection] : connections_) held += connection->held_bytes();
  }
  if (now_ < looked_ + kBetweenLooks) return;
  looked_ = now_;
  setup_ = config_->current();
  listen(true);  // a file may have come free elsewhere in the process
}

void ConnectionLoop::deliver_finished() {
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
  std::vector<Finished> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (auto& done : finished) {
    const auto found = connections_.find(done.connection);
    if (found == connections_.end()) continue;
    auto& connection = *found->second;
    if (done.is_refused)
      connection.refuse(kNoCredentials, "wrong user or password", now_);
    else
      connection.give_reply(std::move(done.reply), now_);
    connection.advance(now_);
    settle(connection);
  }
}

void ConnectionLoop::finish(Finished finished) {
  {
    const std::lock_guard lock(mutex_);
    finished_.push_back(std::move(finished));
  }
  eventfd_write(wake_.get(), 1);
}

void ConnectionLoop::take_request(Connection& connection, RequestHead head, std::string body) {
  setup_ = config_->current();
  if (setup_->rate_limit && !rate_.allows(*setup_->rate_limit, now_))
    return connection.refuse(kTooOften, "more requests than rate_limit lets pass", now_);
  const auto& passwords = *setup_->passwords;
  if (!passwords.is_needed())
    return work(connection.id(), setup_, std::move(head), std::move(body));
  auto who = basic_credentials(head.header("authorization"));
  if (!who) return connection.refuse(kNoCredentials, "no user and password", now_);
  if (passwords.remembers(*who))
    return work(connection.id(), setup_, std::move(head), std::move(body));
  if (waiting_passwords_ >= limits_.waiting_passwords)
    return connection.refuse(kTooManyChecks, kTooManyChecks.text, now_);
  check_password(connection.id(), setup_, std::move(*who), std::move(head), std::move(body));
}

void ConnectionLoop::check_password(uint64_t id, std::shared_ptr<const WebSetup> setup,
                                    Credentials who, RequestHead head, std::string body) {
  waiting_passwords_++;
  passwords_.enqueue([this, id, setup = std::move(setup), who = std::move(who),
                      head = std::move(head), body = std::move(body)]() mutable {
    // Two requests of a client may have come at once: one bcrypt is enough.
    const bool is_right =
        !stopping_ && (setup->passwords->remembers(who) || setup->passwords->verify(who));
    waiting_passwords_--;
    if (is_right)
      work(id, std::move(setup), std::move(head), std::move(body));
    else
      finish({id, {}, true});
  });
}

void ConnectionLoop::work(uint64_t id, std::shared_ptr<const WebSetup> setup, RequestHead head,
                          std::string body) {
  workers_.enqueue([this, id, setup = std::move(setup), head = std::move(head),
                    body = std::move(body)]() mutable {
    if (stopping_) return;
    auto reply = answer_(head, std::move(body));
    add_headers(reply.bytes, setup->headers);
    finish({id, std::move(reply), false});
  });
}

void ConnectionLoop::note_refusal(HttpRefusal refusal, const std::string& peer,
                                  std::string_view detail) {
  refusals_.note(refusal, peer, detail, now_);
}

std::string ConnectionLoop::answer_to(const HttpProblem& problem) {
  auto text = problem_text(problem);
  add_headers(text, setup_->headers);
  return text;
}

}  // namespace vmflow
