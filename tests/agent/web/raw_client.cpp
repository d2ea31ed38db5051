// SPDX-License-Identifier: GPL-2.0-only
#include "tests/agent/web/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace vmflow::test {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in address_of(const char* host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

}  // namespace

RawClient::RawClient(int port, const char* from)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto own = address_of(from, 0);
  const auto server = address_of("127.0.0.1", port);
  connected_ =
      bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0 &&
      connect(socket_.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server)) == 0;
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

size_t RawClient::flood(std::string_view bytes, size_t most) {
  // One that still reads would learn of its end; this one only sends.
  timeval patience{.tv_sec = 5, .tv_usec = 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  size_t sent = 0;
  while (sent < most && send(bytes)) sent += bytes.size();
  return sent;
}

/// True: the other side has closed.
bool RawClient::read(std::chrono::milliseconds patience, std::string& all) {
  const auto end = Clock::now() + patience;
  std::array<char, 16384> chunk;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    const auto got = recv(socket_.get(), chunk.data(), chunk.size(), 0);
    if (got <= 0) return true;
    all.append(chunk.data(), static_cast<size_t>(got));
  }
}

std::string RawClient::read_all(std::chrono::milliseconds patience) {
  std::string all;
  read(patience, all);
  return all;
}

bool RawClient::is_closed_within(std::chrono::milliseconds patience) {
  std::string ignored;
  return read(patience, ignored);
}

}  // namespace vmflow::test
