// SPDX-License-Identifier: GPL-2.0-only
// What well-meaning clients see: TLS, passwords, headers, HTTP's own ways.
#include "tests/agent/web/web_server.h"

#include <httplib.h>

#include <nlohmann/json.hpp>

#include "tests/agent/unit/fake_recorder.h"
#include "tests/agent/web/gunzip.h"
#include "tests/agent/web/raw_client.h"

namespace vmflow::test {
namespace {

using namespace std::chrono_literals;

httplib::Client client_of(const WebServer& server) {
  httplib::Client client(server.url());
  client.set_ca_cert_path(Certificates::get().ca.cert);
  client.set_connection_timeout(5);
  return client;
}

TEST(WebServer, plain_http_is_served_where_nothing_else_is_configured) {
  WebServer server("");
  httplib::Client client(server.plain_url());
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer) << httplib::to_string(answer.error());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body.substr(0, 5), "up 1\n");
  EXPECT_EQ(answer->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(client.Get("/-/ready")->status, 200);
  EXPECT_EQ(client.Get("/nothing")->status, 404);
  EXPECT_EQ(client.Head("/metrics")->status, 200);
  EXPECT_FALSE(server.flow().has_config);
}

TEST(WebServer, tls_and_a_password_are_asked_of_every_path) {
  WebServer server(tls_yaml() + users_yaml());
  for (const auto* path : {"/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/vms", "/nothing"}) {
    auto client = client_of(server);
    const auto refused = client.Get(path);
    ASSERT_TRUE(refused) << httplib::to_string(refused.error());
    EXPECT_EQ(refused->status, 401) << path;
    EXPECT_EQ(refused->get_header_value("WWW-Authenticate").substr(0, 5), "Basic");
    client.set_basic_auth("eva", "wrong horse");
    EXPECT_EQ(client.Get(path)->status, 401) << path;
    client.set_basic_auth("adam", "correct horse");
    EXPECT_EQ(client.Get(path)->status, 401) << path;
    client.set_basic_auth("eva", "correct horse");
    EXPECT_NE(client.Get(path)->status, 401) << path;
  }
  EXPECT_EQ(server.refused(HttpRefusal::kCredentials), 18u);
  EXPECT_EQ(server.logged("was not served (credentials)"), 1u) << server.log();
}

TEST(WebServer, a_right_password_costs_a_bcrypt_once) {
  const auto slow = std::string("basic_auth_users:\n  eva: ") +
                    "$2y$13$abcdefghijklmnopqrstuuIqcqEoTQuIfrgdJp5i7qd9pVxyePbHu\n";
  WebServer server(slow);
  // No password gives this hash, which takes half a second and more.
  httplib::Client guesser(server.plain_url());
  guesser.set_basic_auth("eva", "guess");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(guesser.Get("/metrics")->status, 401);
  const auto guess = std::chrono::steady_clock::now() - begin;
  server.folder().write("web.yml", users_yaml());
  httplib::Client client(server.plain_url());
  client.set_basic_auth("eva", "correct horse");
  EXPECT_EQ(client.Get("/metrics")->status, 200);
  const auto after = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; i++) EXPECT_EQ(client.Get("/metrics")->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - after, guess);
}

TEST(WebServer, guessing_passwords_keeps_nobody_from_scraping) {
  WebServer server(users_yaml());
  httplib::Client client(server.plain_url());
  client.set_basic_auth("eva", "correct horse");
  EXPECT_EQ(client.Get("/metrics")->status, 200);
  // Of a dear hash, many at once; eva's own password has been verified.
  server.folder().write("web.yml", users_yaml() + "  bob: $2y$10$" + std::string(53, 'a') + "\n");
  EXPECT_EQ(client.Get("/metrics")->status, 200);
  std::vector<std::thread> guessers;
  std::atomic<int> refused = 0, overload = 0;
  for (int i = 0; i < 60; i++)
    guessers.emplace_back([&] {
      httplib::Client guesser(server.plain_url());
      guesser.set_read_timeout(60);
      guesser.set_basic_auth("bob", "guess");
      const auto answer = guesser.Get("/metrics");
      (answer && answer->status == 503 ? overload : refused)++;
    });
  std::this_thread::sleep_for(50ms);
  for (int i = 0; i < 20; i++) {
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = client.Get("/metrics");
    EXPECT_EQ(answer ? answer->status : 0, 200);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  }
  for (auto& guesser : guessers) guesser.join();
  EXPECT_GT(overload, 0);
  EXPECT_GT(refused, 0);
}

TEST(WebServer, configured_headers_are_in_every_answer) {
  WebServer server(tls_yaml() + users_yaml() +
                   "http_server_config:\n  headers:\n    X-Frame-Options: deny\n");
  auto client = client_of(server);
  EXPECT_EQ(client.Get("/metrics")->get_header_value("X-Frame-Options"), "deny");
  client.set_basic_auth("eva", "correct horse");
  const auto answer = client.Get("/metrics");
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->get_header_value("X-Frame-Options"), "deny");
}

TEST(WebServer, a_client_of_an_older_tls_or_of_other_ciphers_is_refused) {
  WebServer server(
      tls_yaml("  min_version: TLS12\n  max_version: TLS12\n"
               "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"));
  const auto works = [&](const std::string& flags) {
    return std::system(("openssl s_client -connect 127.0.0.1:" + std::to_string(server.port()) +
                        " " + flags + " </dev/null >/dev/null 2>&1")
                           .c_str()) == 0;
  };
  EXPECT_TRUE(works("-tls1_2"));
  EXPECT_TRUE(works("-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384"));
  EXPECT_FALSE(works("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256"));
  EXPECT_FALSE(works("-tls1_3"));
  EXPECT_FALSE(works("-tls1_1 -cipher DEFAULT:@SECLEVEL=0"));
  expect_refused(server, HttpRefusal::kTlsHandshake, 3);
  EXPECT_EQ(server.logged("(tls_handshake)"), 1u) << server.log();
}

TEST(WebServer, curl_and_its_ways_are_served) {
  WebServer server(tls_yaml() + users_yaml());
  const auto out = server.folder().path() + "/out";
  const auto curl = [&](const std::string& flags) {
    const auto& made = Certificates::get();
    EXPECT_EQ(std::system(("curl -s -o " + out + " -w '%{http_code}' --cacert " + made.ca.cert +
                           " -u 'eva:correct horse' " + flags + " https://localhost:" +
                           std::to_string(server.port()) + "/metrics >" + out + ".status")
                              .c_str()),
              0)
        << flags;
    return text_of(out + ".status");
  };
  EXPECT_EQ(curl(""), "200");
  EXPECT_EQ(curl("--http2"), "200");
  EXPECT_EQ(curl("--http1.0"), "200");
  EXPECT_EQ(curl("--compressed"), "200");
  EXPECT_EQ(text_of(out).substr(0, 5), "up 1\n");
  EXPECT_EQ(curl("-H 'Expect: 100-continue' -d @" + Certificates::get().ca.cert), "404");
  EXPECT_EQ(curl("-r 0-1,0-2,0-"), "200");
}

TEST(WebServer, a_page_is_gzip_for_who_accepts_it) {
  WebServer server("");
  httplib::Client client(server.plain_url());
  client.set_decompress(false);
  const auto scrape = [&](const char* accepted) {
    return client.Get("/metrics", httplib::Headers{{"Accept-Encoding", accepted}}).value();
  };
  for (const auto* accepted : {"gzip", "br, GZIP;q=0.5", "deflate, *"}) {
    const auto answer = scrape(accepted);
    EXPECT_EQ(answer.get_header_value("Content-Encoding"), "gzip") << accepted;
    EXPECT_EQ(answer.get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(gunzip(answer.body), made_up_page()) << accepted;
  }
  for (const auto* accepted : {"identity", "br", "gzip;q=0, *"}) {
    const auto answer = scrape(accepted);
    EXPECT_FALSE(answer.has_header("Content-Encoding")) << accepted;
    EXPECT_EQ(answer.get_header_value("Vary"), "Accept-Encoding");
    EXPECT_EQ(answer.body, made_up_page()) << accepted;
  }
}

TEST(WebServer, requests_of_one_connection_are_answered_in_order) {
  WebServer server("");
  RawClient client(server.port());
  client.send("GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\nGET /-/ready HTTP/1.1\r\nHost: a\r\n");
  client.send("Connection: close\r\n\r\n");
  const auto text = client.read_all(5s);
  const auto first = text.find("healthy\n"), second = text.find("ready\n");
  EXPECT_NE(first, std::string::npos) << text;
  EXPECT_NE(second, std::string::npos) << text;
  EXPECT_LT(first, second);
}

TEST(WebServer, what_goes_wrong_inside_is_not_told_to_clients) {
  auto server = HttpServer::start(
      {}, {.metrics = []() -> SharedPage { throw std::runtime_error("a\r\nSet-Cookie: b"); },
           .api = [](const auto&) { return std::nullopt; },
           .ready = [] { return true; }});
  ASSERT_TRUE(server) << server.error().message;
  httplib::Client client("127.0.0.1", server->port());
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(answer->body, "internal error\n");
  for (const auto& [name, value] : answer->headers)
    EXPECT_EQ((name + value).find("Cookie"), std::string::npos);
  EXPECT_EQ(client.Get("/-/healthy")->status, 200);
}

TEST(WebServer, a_rate_limit_lets_no_more_requests_pass) {
  WebServer server("rate_limit: {interval: 1h, burst: 3}\n");
  httplib::Client client(server.plain_url());
  for (int i = 0; i < 3; i++) EXPECT_EQ(client.Get("/-/healthy")->status, 200);
  for (int i = 0; i < 3; i++) EXPECT_EQ(client.Get("/-/healthy")->status, 429);
  EXPECT_EQ(server.refused(HttpRefusal::kRate), 3u);
}

TEST(WebServer, snapshots_are_taken_only_if_enabled_and_only_for_who_is_known) {
  for (const bool enabled : {false, true}) {
    TemporaryFolder folder;
    Config config;
    config.trace.dir = folder.path() + "/snapshots";
    config.trace.min_free_mib = 0;
    const auto trace = std::make_shared<FakeTrace>();
    Triggers triggers(config, std::make_unique<FakeRecorder>(trace));
    SnapshotApi snapshots(triggers, enabled);
    WebServer server(tls_yaml() + users_yaml(), short_limits(), &snapshots);
    auto client = client_of(server);
    const auto post = [&](const char* path, const char* body) {
      return client.Post(path, body, "application/json")->status;
    };
    EXPECT_EQ(post("/api/v1/snapshots", "{}"), 401);
    EXPECT_EQ(post("/api/v1/alertmanager", R"({"version": "4", "alerts": []})"), 401);
    EXPECT_EQ(trace->saves, 0);
    client.set_basic_auth("eva", "correct horse");
    EXPECT_EQ(post("/api/v1/alertmanager", R"({"version": "4", "alerts": []})"),
              enabled ? 200 : 403);
    EXPECT_EQ(post("/api/v1/snapshots", "{}"), enabled ? 202 : 403);
    // Told to stop before its thread has begun, it would take none.
    EXPECT_TRUE(eventually([&] { return trace->saves == (enabled ? 1 : 0); }));
    EXPECT_TRUE(triggers.stop(5s));
    EXPECT_EQ(trace->saves, enabled ? 1 : 0);
  }
}

TEST(WebServer, what_cannot_be_used_is_one_clear_error_at_the_start) {
  TemporaryFolder folder;
  const auto error = [&](const std::string& yaml) {
    const auto path = yaml.empty() ? folder.path() + "/none.yml" : folder.write("web.yml", yaml);
    const auto server = HttpServer::start({.web_config_file = path}, {});
    return server ? "it starts" : server.error().message;
  };
  const auto& made = Certificates::get();
  EXPECT_NE(error("").find("none.yml': cannot be read"), std::string::npos) << error("");
  EXPECT_NE(error("nonsense: 1\n").find("nonsense: unknown key"), std::string::npos);
  const auto tls = [](const Identity& own) {
    return "tls_server_config: {cert_file: " + own.cert + ", key_file: " + own.key + "}\n";
  };
  EXPECT_NE(error(tls({"no.crt", made.server.key})).find("cert_file: cannot read '"),
            std::string::npos);
  EXPECT_NE(error(tls({made.server.key, made.server.key})).find("cert: no certificate in PEM"),
            std::string::npos);
  EXPECT_NE(error(tls({made.server.cert, made.client.key})).find("key: is not the certificate's"),
            std::string::npos);
  EXPECT_NE(error(tls({made.server.cert, made.server.cert})).find("key: no private key in PEM"),
            std::string::npos);
  EXPECT_NE(error(tls_yaml("  cipher_suites: [TLS_FAKE]\n")).find("no cipher 'TLS_FAKE'"),
            std::string::npos);
  EXPECT_NE(error(tls_yaml("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: " +
                           made.ca.key + "\n"))
                .find("client_ca: no certificate in PEM"),
            std::string::npos);
}

}  // namespace
}  // namespace vmflow::test
