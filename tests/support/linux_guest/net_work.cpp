// SPDX-License-Identifier: GPL-2.0-only
// A client that sends a request over UDP and waits for the answer, again and again; and a server
// that reads its disk or computes before it answers. With tcp=1 over one connection.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

constexpr int kSecondsToAnswer = 2;
constexpr int kSecondsToBeAsked = 60;

int client = -1;
int server = -1;
int served_disk = -1;
bool is_stream = false;
int64_t turns_of_an_answer = 0;

sockaddr_in address_of(const std::string& text, int port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) fail("no address: " + text);
  return address;
}

// False if no answer came.
bool exchange(int64_t number) {
  if (send(client, &number, sizeof(number), 0) != sizeof(number)) fail("send");
  for (int64_t answer = -1;;) {
    const auto got = recv(client, &answer, sizeof(answer), MSG_WAITALL);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got != sizeof(answer)) fail("recv");
    if (answer == number) return true;  // else a late one
  }
}

void limit_waits(int socket, int seconds) {
  const timeval limit{.tv_sec = seconds, .tv_usec = 0};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

int new_socket(const Options& options) {
  is_stream = options.number("tcp", 0) != 0;
  return socket(AF_INET, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
}

void set_up(int socket, const std::string& device, const std::string& ip) {
  ifreq request{};
  device.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  const auto address = address_of(ip), mask = address_of("255.255.255.0");
  const auto put = [&](unsigned long what, const sockaddr_in& value) {
    reinterpret_cast<sockaddr_in&>(request.ifr_addr) = value;
    if (ioctl(socket, what, &request) != 0) fail("cannot set up " + device);
  };
  put(SIOCSIFADDR, address);
  put(SIOCSIFNETMASK, mask);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(socket, SIOCSIFFLAGS, &request) != 0) fail("cannot start " + device);
}

// The first exchange is done here: it finds the peer's address.
void connect_to_peer(const Options& options) {
  if (client >= 0) close(client);
  client = new_socket(options);
  set_up(client, options.text("device", "eth0"), options.text("ip", "10.78.0.2"));
  const auto peer =
      address_of(options.text("peer", "10.78.0.1"), static_cast<int>(options.number("port", 7777)));
  limit_waits(client, kSecondsToAnswer);
  if (connect(client, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0) fail("connect");
  for (int attempt = 0; !exchange(-1 - attempt); attempt++)
    if (attempt == 5) fail("the peer does not answer");
}

void ask(const Options& options) {
  const int64_t count = options.number("count", 150);
  // An emulated CPU may lose the card's interrupt for good.
  const int64_t patience = options.number("patience", count);
  int64_t answers = 0, unanswered = 0, all_ns = 0;
  for (int64_t number = 0; number < count && unanswered < patience; number++) {
    const int64_t began = now_ns();
    (exchange(number) ? answers : unanswered)++;
    all_ns += now_ns() - began;
  }
  truths()["answers"] = answers;
  truths()["unanswered"] = unanswered;
  truths()["exchange_ns"] = all_ns;
}

// In the kernel nearly all the time: an emulated CPU may fail where an interrupt finds it in user
// mode.
void compute(int64_t turns) {
  static const int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  static std::vector<char> block(64 << 10);
  for (int64_t turn = 0; turn < turns; turn++)
    if (read(zeros, block.data(), block.size()) < 0) fail("/dev/zero");
}

// A time when it has the CPU for itself: who takes it later makes an answer take longer.
int64_t turns_taking(int64_t ns) {
  constexpr int64_t kTurns = 1000;
  const int64_t began = now_ns();
  compute(kTurns);
  return ns * kTurns / std::max<int64_t>(1, now_ns() - began);
}

void open_for_requests(const Options& options) {
  server = new_socket(options);
  set_up(server, options.text("device", "eth0"), options.text("ip", "10.78.0.3"));
  const auto here = address_of("0.0.0.0", static_cast<int>(options.number("port", 7777)));
  if (bind(server, reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0) fail("bind");
  if (is_stream && listen(server, 1) != 0) fail("listen");
  limit_waits(server, kSecondsToBeAsked);
  turns_of_an_answer = 0;
  if (const int64_t us = options.number("compute_us", 0); us > 0) {
    turns_of_an_answer = turns_taking(us * 1000);
    return;
  }
  served_disk = open("/dev/vda", O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (served_disk < 0) fail("cannot open the disk");
}

// What an answer needs. The client's first requests, which have negative numbers, need nothing.
int64_t serve_one(int64_t number) {
  static auto* block = static_cast<char*>(std::aligned_alloc(4096, 4096));
  const int64_t began = now_ns();
  if (turns_of_an_answer > 0)
    compute(turns_of_an_answer);
  else if (pread(served_disk, block, 4096, number % 256 * 4096) != 4096)
    fail("cannot read the disk");
  return now_ns() - began;
}

// A client whose guest has died says nothing any more, and may come again.
int next_connection(int last) {
  if (last >= 0) close(last);
  const int connection = accept(server, nullptr, nullptr);
  if (connection < 0) fail("accept");
  limit_waits(connection, kSecondsToBeAsked);
  return connection;
}

void serve(const Options& options) {
  const int64_t count = options.number("count", 150);
  int64_t answers = 0, all_ns = 0;
  int asked = is_stream ? next_connection(-1) : server;
  while (answers < count) {
    int64_t number = 0;
    sockaddr_in from{};
    socklen_t size = sizeof(from);
    const auto got = recvfrom(asked, &number, sizeof(number), is_stream ? MSG_WAITALL : 0,
                              reinterpret_cast<sockaddr*>(&from), &size);
    if (is_stream && got != sizeof(number)) {
      asked = next_connection(asked);
      continue;
    }
    if (got < 0 && errno == EAGAIN) break;
    if (got != sizeof(number)) fail("recvfrom");
    if (number >= 0) {
      all_ns += serve_one(number);
      answers++;
    }
    const auto* to = is_stream ? nullptr : reinterpret_cast<const sockaddr*>(&from);
    if (sendto(asked, &number, sizeof(number), 0, to, is_stream ? 0 : size) < 0) fail("sendto");
  }
  truths()["answers"] = answers;
  truths()["serve_ns"] = all_ns;
}

}  // namespace

const Work kServer{"server", "virtio_pci virtio_net virtio_blk", open_for_requests, serve};
const Work kNet{"net", "virtio_pci virtio_net", connect_to_peer, ask};

}  // namespace vmflow::linux_guest
