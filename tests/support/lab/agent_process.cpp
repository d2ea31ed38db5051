// SPDX-License-Identifier: GPL-2.0-only
#include "agent_process.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace vmflow::lab {
namespace {

constexpr std::chrono::hours kMostToStart{10};  // virtual ones: the lab itself has a time limit

std::vector<std::string> command(int port, std::vector<std::string> flags) {
  flags.insert(flags.begin(),
               {vmflowd_path(), "--web.listen-address", "127.0.0.1:" + std::to_string(port)});
  return flags;
}

// Rules that fire, and what they record, would be in other tests' way.
std::vector<std::string> without_snapshots(std::vector<std::string> flags) {
  const auto is_of_traces = [](const std::string& flag) { return flag.starts_with("--trace."); };
  if (std::ranges::none_of(flags, is_of_traces)) {
    flags.emplace_back("--trace.mode");
    flags.emplace_back("off");
  }
  return flags;
}

}  // namespace

struct PageReader::Client {
  explicit Client(int port) : http("127.0.0.1", port) {
    http.set_keep_alive(true);
    http.set_read_timeout(30);
  }
  httplib::Client http;
};

PageReader::PageReader(int port) : client_(std::make_unique<Client>(port)) {}
PageReader::PageReader(PageReader&&) noexcept = default;
PageReader::~PageReader() = default;

bool PageReader::is_ready() {
  const auto answer = client_->http.Get("/-/ready");
  return answer && answer->status == 200;
}

Page PageReader::read() {
  const auto answer = client_->http.Get("/metrics");
  if (!answer) throw std::runtime_error("no page: " + httplib::to_string(answer.error()));
  if (answer->status != 200) throw std::runtime_error("status " + std::to_string(answer->status));
  return Page(answer->body);
}

int free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(listener);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string vmflowd_path() {
  return VMFLOWD_PATH;
}
std::string vmflow_path() {
  return VMFLOW_PATH;
}
std::string ground_truth_path() {
  return GROUND_TRUTH_PATH;
}

AgentProcess::AgentProcess(std::vector<std::string> flags)
    : port_(free_port()), process_(command(port_, without_snapshots(std::move(flags)))) {}

std::string AgentProcess::get(const std::string& path) {
  // With --icount the one CPU does 125 million instructions a second: a full ring takes 10 s of it.
  constexpr auto kMostToAnswer = std::chrono::seconds(60);
  httplib::Client client("127.0.0.1", port_);
  client.set_read_timeout(kMostToAnswer);
  const auto answer = client.Get(path);
  return answer ? answer->body : "";
}

int AgentProcess::status_of(const std::string& path) {
  httplib::Client client("127.0.0.1", port_);
  const auto answer = client.Get(path);
  return answer ? answer->status : 0;
}

void AgentProcess::wait_until_ready() {
  const auto deadline = std::chrono::steady_clock::now() + kMostToStart;
  while (status_of("/-/ready") != 200) {
    if (!process_.is_running() || std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("vmflowd is not ready: " + process_.err());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Page AgentProcess::scrape() {
  return PageReader(port_).read();
}

Finished AgentProcess::stop() {
  process_.signal(SIGTERM);
  auto finished = process_.wait();
  if (!finished) throw std::runtime_error("vmflowd does not end");
  return *finished;
}

}  // namespace vmflow::lab
