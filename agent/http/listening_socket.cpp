// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/listening_socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/c_handle.h"

namespace vmflow {
namespace {

constexpr int kBacklog = 256;

FileHandle bound(const addrinfo& address) {
  const int on = 1;
  FileHandle socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // Only the address may be reused, never the port: a second agent must fail, not share scrapes.
  if (!socket || setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      listen(socket.get(), kBacklog) != 0)
    return FileHandle();
  return socket;
}

}  // namespace

Result<FileHandle> listen_on(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int looked = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const CHandle<addrinfo, freeaddrinfo> all(looked == 0 ? found : nullptr);
  std::string why = looked == 0 ? "no such address" : gai_strerror(looked);
  for (const auto* address = all.get(); address != nullptr; address = address->ai_next) {
    if (auto socket = bound(*address)) return socket;
    why = std::strerror(errno);
  }
  return failure(fmt::format("cannot listen on {}:{}: {}; choose another --web.listen-address",
                             host, port, why));
}

int port_of(const FileHandle& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

Accepted accept_client(const FileHandle& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  Accepted accepted{FileHandle(accept4(listener.get(), any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)),
                    "unknown"};
  if (!accepted.socket) return accepted;
  const int on = 1;  // an answer is written as a whole: nothing to wait for
  setsockopt(accepted.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  std::array<char, NI_MAXHOST> text{};
  if (getnameinfo(any, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
    accepted.peer = text.data();
  return accepted;
}

}  // namespace vmflow
