// SPDX-License-Identifier: GPL-2.0-only
// A client that sends a request over UDP and waits for the answer, again and again.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

constexpr int kSecondsToAnswer = 2;

int client = -1;

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
    if (recv(client, &answer, sizeof(answer), 0) < 0) {
      if (errno == EAGAIN || errno == EINTR) return false;
      fail("recv");
    }
    if (answer == number) return true;  // else a late one
  }
}

void set_up(const std::string& device, const std::string& ip) {
  ifreq request{};
  device.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  const auto address = address_of(ip), mask = address_of("255.255.255.0");
  const auto put = [&](unsigned long what, const sockaddr_in& value) {
    reinterpret_cast<sockaddr_in&>(request.ifr_addr) = value;
    if (ioctl(client, what, &request) != 0) fail("cannot set up " + device);
  };
  put(SIOCSIFADDR, address);
  put(SIOCSIFNETMASK, mask);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(client, SIOCSIFFLAGS, &request) != 0) fail("cannot start " + device);
}

// The first exchange is done here: it finds the peer's address.
void connect_to_peer(const Options& options) {
  if (client >= 0) close(client);
  client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  set_up(options.text("device", "eth0"), options.text("ip", "10.78.0.2"));
  const auto peer =
      address_of(options.text("peer", "10.78.0.1"), static_cast<int>(options.number("port", 7777)));
  if (connect(client, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0) fail("connect");
  const timeval limit{.tv_sec = kSecondsToAnswer, .tv_usec = 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
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

}  // namespace

const Work kNet{"net", "virtio_pci virtio_net", connect_to_peer, ask};

}  // namespace vmflow::linux_guest
