// SPDX-License-Identifier: GPL-2.0-only
// Clients that mean no good: each is refused within a bounded time and memory and logged once, and
// another one that scrapes meanwhile notices nothing.
#include <fmt/format.h>
#include <httplib.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "tests/agent/web/raw_client.h"
#include "tests/agent/web/web_server.h"

namespace vmflow::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr size_t kGiB = 1ull << 30;
constexpr auto kPatience = 10s;

size_t resident_bytes() {
  size_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/// That the program has not given back. Resident memory would not do: it stays with the library.
size_t allocated_bytes() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

/// Scrapes all the time over one connection, as Prometheus does, from the day it is made.
class Scraper {
 public:
  explicit Scraper(const WebServer& server, bool has_tls = true)
      : thread_([this, url = has_tls ? server.url() : server.plain_url()] { run(url); }) {
    EXPECT_TRUE(eventually([this] { return scrapes_ > 0; }));
  }
  ~Scraper() { stop(); }

  /// What went wrong, and how long a scrape took at most.
  void expect_undisturbed() {
    EXPECT_TRUE(eventually([this] { return scrapes_ > 3; }));
    stop();
    EXPECT_EQ(failures_, 0u) << "of " << scrapes_ << " scrapes";
    EXPECT_LT(slowest_, 2s);
    fmt::print("{} scrapes meanwhile, the slowest took {} ms\n", scrapes_.load(),
               std::chrono::duration_cast<std::chrono::milliseconds>(slowest_).count());
  }

 private:
  void run(const std::string& url) {
    httplib::Client client(url);
    client.set_ca_cert_path(Certificates::get().ca.cert);
    client.set_keep_alive(true);
    while (!stopped_) {
      const auto begin = Clock::now();
      const auto answer = client.Get("/metrics");
      slowest_ = std::max(slowest_, Clock::now() - begin);
      (answer && answer->status == 200 ? scrapes_ : failures_)++;
      std::this_thread::sleep_for(10ms);
    }
  }
  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::atomic<bool> stopped_ = false;
  std::atomic<size_t> scrapes_ = 0, failures_ = 0;
  Clock::duration slowest_{};
  std::thread thread_;
};

TEST(HostileClient, plain_http_on_a_tls_port_is_told_so) {
  WebServer server(tls_yaml());
  Scraper scraper(server);
  for (const auto* request : {"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
                              "POST /api/v1/snapshots HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    RawClient client(server.port());
    client.send(request);
    const auto text = client.read_all(kPatience);
    EXPECT_EQ(text.substr(0, 12), "HTTP/1.0 400");
    EXPECT_NE(text.find("Client sent an HTTP request to an HTTPS server."), std::string::npos);
  }
  EXPECT_EQ(server.refused(HttpRefusal::kPlainHttp), 2u);
  EXPECT_EQ(server.logged("(plain_http)"), 1u) << server.log();
  scraper.expect_undisturbed();
}

TEST(HostileClient, what_is_no_tls_at_all_ends_at_once_and_is_not_quoted) {
  WebServer server(tls_yaml());
  RawClient client(server.port());
  client.send("\x1b]0;owned\x07\nERROR root logged in\r\n\r\n");
  EXPECT_TRUE(client.is_closed_within(kPatience));
  EXPECT_TRUE(eventually([&] { return server.refused(HttpRefusal::kTlsHandshake) == 1; }));
  EXPECT_EQ(server.log().find("owned"), std::string::npos);
}

TEST(HostileClient, what_is_no_http_is_not_quoted_in_the_log) {
  WebServer server("");
  for (const auto* text :
       {"\x16\x03\x01\x02", "GET /\x1b[31mowned HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nowned\nERROR: b\r\n\r\n", "owned owned owned\r\n\r\n"}) {
    RawClient client(server.port());
    client.send(text);
    EXPECT_EQ(client.read_all(kPatience).substr(0, 12), "HTTP/1.1 400") << text;
  }
  EXPECT_EQ(server.refused(HttpRefusal::kMalformed), 4u);
  EXPECT_EQ(server.logged("(malformed)"), 1u) << server.log();
  EXPECT_EQ(server.log().find("owned"), std::string::npos) << server.log();
}

TEST(HostileClient, a_header_of_a_gigabyte_takes_neither_memory_nor_time) {
  WebServer server("");
  Scraper scraper(server, false);
  const auto before = resident_bytes();
  const auto begin = Clock::now();
  for (const auto* line : {"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    std::string chunk;
    while (chunk.size() < (1u << 16)) chunk += line;
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(line));
    const auto sent = client.flood(chunk, kGiB);
    EXPECT_LT(sent, kGiB) << "all of it was taken";
  }
  EXPECT_LT(Clock::now() - begin, 2 * kPatience);
  EXPECT_LT(resident_bytes(), before + (32u << 20));
  EXPECT_EQ(server.refused(HttpRefusal::kHeaderTooLarge), 2u);
  EXPECT_EQ(server.logged("(header_too_large)"), 1u) << server.log();
  scraper.expect_undisturbed();
}

TEST(HostileClient, a_header_that_is_too_large_is_told_so) {
  WebServer server("");
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n");
  EXPECT_EQ(client.read_all(kPatience).substr(0, 12), "HTTP/1.1 431");
}

TEST(HostileClient, a_body_of_a_gigabyte_is_refused_before_it_is_sent) {
  WebServer server("");
  Scraper scraper(server, false);
  const auto before = resident_bytes();
  const auto begin = Clock::now();
  const std::string chunk(1u << 16, 'a');
  RawClient told(server.port());
  told.send("POST /api/v1/snapshots HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
  EXPECT_EQ(told.read_all(kPatience).substr(0, 12), "HTTP/1.1 413");
  RawClient deaf(server.port());
  deaf.send("POST /api/v1/snapshots HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
  EXPECT_LT(deaf.flood(chunk, kGiB), kGiB);
  RawClient chunked(server.port());
  chunked.send("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n");
  EXPECT_LT(chunked.flood(chunk, kGiB), kGiB);
  // A few more bytes than it says is the next request, which is none.
  RawClient liar(server.port());
  liar.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
  EXPECT_LT(liar.flood(chunk, kGiB), kGiB);
  EXPECT_LT(Clock::now() - begin, 4 * kPatience);
  EXPECT_LT(resident_bytes(), before + (32u << 20));
  EXPECT_EQ(server.refused(HttpRefusal::kBodyTooLarge), 2u);
  EXPECT_EQ(server.logged("(body_too_large)"), 1u) << server.log();
  scraper.expect_undisturbed();
}

TEST(HostileClient, what_trickles_is_cut_off_though_every_byte_is_in_time) {
  WebServer server("");
  Scraper scraper(server, false);
  struct Row {
    const char* begin;
    const char* again;
  };
  for (const auto& [begin, again] :
       {Row{"G", "E"}, Row{"GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n"},
        Row{"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", "a"}}) {
    RawClient client(server.port());
    client.send(begin);
    const auto start = Clock::now();
    bool closed = false;
    while (!closed && Clock::now() < start + kPatience)
      closed = !client.send(again) || client.is_closed_within(40ms);
    EXPECT_TRUE(closed) << begin;
    EXPECT_GT(Clock::now() - start, 350ms) << begin;
  }
  EXPECT_EQ(server.refused(HttpRefusal::kSlow), 3u);
  EXPECT_EQ(server.logged("(slow)"), 1u) << server.log();
  scraper.expect_undisturbed();
}

TEST(HostileClient, who_is_too_slow_is_told_so) {
  WebServer server("");
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(client.read_all(kPatience).substr(0, 12), "HTTP/1.1 408");
}

TEST(HostileClient, a_handshake_that_never_goes_on_is_cut_off) {
  WebServer server(tls_yaml());
  Scraper scraper(server);
  // Nothing at all, and the begin of a ClientHello.
  for (const std::string& begin : {std::string(), std::string("\x16\x03\x01\x02\x00\x01\x00", 7)}) {
    RawClient client(server.port());
    client.send(begin);
    EXPECT_TRUE(client.is_closed_within(kPatience));
  }
  EXPECT_EQ(server.refused(HttpRefusal::kSlow), 2u);
  EXPECT_EQ(server.logged("(slow)"), 1u) << server.log();
  scraper.expect_undisturbed();
}

TEST(HostileClient, answers_that_nobody_reads_are_thrown_away) {
  auto limits = short_limits();
  limits.reply = 10s;
  limits.held_bytes = 8u << 20;
  WebServer server("", limits, nullptr, 4u << 20);
  const auto before = allocated_bytes();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; i++) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return server.refused(HttpRefusal::kOverload) >= 90; }));
  // All would be 400 MiB.
  EXPECT_TRUE(eventually([&] { return allocated_bytes() < before + (32u << 20); }))
      << (allocated_bytes() - before);
  httplib::Client client(server.plain_url());
  const auto answer = client.Get("/metrics");
  EXPECT_TRUE(answer && answer->status == 200);
  EXPECT_EQ(server.logged("(overload)"), 1u) << server.log();
}

TEST(HostileClient, an_answer_that_nobody_reads_ends_in_time) {
  WebServer server("", short_limits(), nullptr, 16u << 20);
  RawClient client(server.port());
  client.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return server.refused(HttpRefusal::kSlow) == 1; }));
  EXPECT_TRUE(eventually([&] { return server.flow().connections == 0; }));
}

TEST(HostileClient, a_thousand_idle_connections_hinder_nobody) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  setrlimit(RLIMIT_NOFILE, &files);
  for (const bool has_tls : {false, true}) {
    auto limits = short_limits();
    limits.first_byte = limits.handshake = 60s;  // only the room for them ends them
    WebServer server(has_tls ? tls_yaml() : "", limits);
    Scraper scraper(server, has_tls);
    std::vector<std::unique_ptr<RawClient>> idle;
    for (int i = 0; i < 1000; i++) {
      idle.push_back(std::make_unique<RawClient>(server.port(), "127.0.0.2"));
      ASSERT_TRUE(idle.back()->is_connected()) << i;
    }
    EXPECT_TRUE(eventually([&] { return server.refused(HttpRefusal::kOverload) >= 700; }));
    EXPECT_LE(server.flow().connections, 256u);
    // A new client, too, even from the same address.
    httplib::Client client(has_tls ? server.url() : server.plain_url());
    client.set_ca_cert_path(Certificates::get().ca.cert);
    client.set_interface("127.0.0.2");
    const auto answer = client.Get("/metrics");
    EXPECT_TRUE(answer && answer->status == 200);
    scraper.expect_undisturbed();
    EXPECT_EQ(server.logged("(overload)"), 1u) << server.log();
  }
}

TEST(HostileClient, idle_connections_end_by_themselves) {
  WebServer server("");
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 50; i++) idle.push_back(std::make_unique<RawClient>(server.port()));
  EXPECT_TRUE(eventually([&] { return server.flow().connections == 50; }));
  EXPECT_TRUE(eventually([&] { return server.flow().connections == 0; }));
  EXPECT_EQ(server.log(), "");  // they have done nothing that anybody must know of
}

TEST(HostileClient, a_server_with_clients_of_all_kinds_ends_at_once) {
  std::vector<std::unique_ptr<RawClient>> clients;
  auto limits = short_limits();
  limits.handshake = limits.first_byte = limits.head = limits.body = 60s;
  auto server = std::make_unique<WebServer>("", limits, nullptr, 16u << 20);
  for (const auto* text : {"", "GET", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
                           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"}) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    clients.back()->send(text);
  }
  EXPECT_TRUE(eventually([&] { return server->flow().connections == 4; }));
  const auto begin = Clock::now();
  server.reset();
  EXPECT_LT(Clock::now() - begin, 1s);
}

}  // namespace
}  // namespace vmflow::test
