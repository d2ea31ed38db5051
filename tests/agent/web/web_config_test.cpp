// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/web_config.h"

#include <gtest/gtest.h>
#include <openssl/tls1.h>

#include <random>

#include "agent/http/yaml_fields.h"

namespace vmflow {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

std::string wrong(std::string_view yaml) {
  const auto config = parse_web_config(yaml, "/etc/vmflow");
  return config ? "nothing is wrong" : config.error().message;
}

TEST(WebConfig, a_whole_file_is_read) {
  const auto config = parse_web_config(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_ca_file: tls/ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example, 10.0.0.1]
  min_version: TLS13
  max_version: TLS13
  cipher_suites:
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
  curve_preferences: [X25519, CurveP256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=31536000
    X-XSS-Protection: ""
basic_auth_users:
  prometheus: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG
rate_limit:
  interval: 100ms
  burst: 20
)",
                                       "/etc/vmflow");
  ASSERT_TRUE(config) << config.error().message;
  const auto& tls = *config->tls;
  EXPECT_EQ(tls.cert.path, "/etc/vmflow/server.crt");
  EXPECT_EQ(tls.key.path, "/keys/server.key");
  EXPECT_EQ(tls.client_ca.path, "/etc/vmflow/tls/ca.crt");
  EXPECT_EQ(tls.client_auth, ClientAuth::kRequireAndVerify);
  EXPECT_EQ(*tls.client_allowed_sans, (std::vector<std::string>{"prometheus.example", "10.0.0.1"}));
  EXPECT_EQ(tls.min_version, TLS1_3_VERSION);
  EXPECT_EQ(tls.cipher_suites, (std::vector<std::string>{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}));
  EXPECT_EQ(tls.curves, (std::vector<std::string>{"X25519", "P-256"}));
  EXPECT_FALSE(tls.prefer_server_ciphers);
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"Strict-Transport-Security", "max-age=31536000"}, {"X-Frame-Options", "deny"}};
  EXPECT_EQ(config->headers, headers);
  EXPECT_EQ(config->users, (std::map<std::string, std::string>{{"prometheus", kHash}}));
  EXPECT_EQ(config->rate_limit->interval, 100ms);
  EXPECT_EQ(config->rate_limit->burst, 20u);
}

TEST(WebConfig, an_empty_file_asks_for_nothing) {
  for (const auto* yaml : {"", "# a comment\n", "---\n", "tls_server_config:\n", "{}"}) {
    const auto config = parse_web_config(yaml, "");
    ASSERT_TRUE(config) << yaml << ": " << config.error().message;
    EXPECT_FALSE(config->tls);
    EXPECT_TRUE(config->users.empty());
  }
}

TEST(WebConfig, what_is_left_out_is_as_in_exporter_toolkit) {
  const auto config =
      parse_web_config("tls_server_config: {cert_file: a, key_file: b}\nrate_limit: {}\n", "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->tls->min_version, TLS1_2_VERSION);
  EXPECT_EQ(config->tls->max_version, TLS1_3_VERSION);
  EXPECT_EQ(config->tls->client_auth, ClientAuth::kNone);
  EXPECT_TRUE(config->tls->prefer_server_ciphers);
  EXPECT_FALSE(config->rate_limit);
}

TEST(WebConfig, all_names_of_client_auth_type_are_known) {
  const std::map<std::string, ClientAuth> names = {
      {"NoClientCert", ClientAuth::kNone},
      {"RequestClientCert", ClientAuth::kRequest},
      {"RequireAnyClientCert", ClientAuth::kRequireAny},
      {"RequireClientCert", ClientAuth::kRequireAny},
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  for (const auto& [name, auth] : names) {
    const std::string ca = auth == ClientAuth::kNone ? "" : ", client_ca_file: c";
    const auto config = parse_web_config(
        "tls_server_config: {cert_file: a, key_file: b, client_auth_type: " + name + ca + "}", "");
    ASSERT_TRUE(config) << name << ": " << config.error().message;
    EXPECT_EQ(config->tls->client_auth, auth) << name;
  }
}

TEST(WebConfig, what_is_wrong_is_one_line_that_names_the_key) {
  const std::string tls = "tls_server_config: {cert_file: a, key_file: b, ";
  struct Wrong {
    std::string yaml, words;
  };
  for (const auto& [yaml, words] :
       {Wrong{"tls_config: {}", "tls_config: unknown key"},
        Wrong{tls + "cert_fil: c}", "tls_server_config.cert_fil: unknown key"},
        Wrong{"http_server_config: {http3: true}", "http_server_config.http3: unknown key"},
        Wrong{"http_server_config: {headers: {Server: x}}",
              "http_server_config.headers.Server: this header cannot be configured"},
        Wrong{"rate_limit: {rate: 1}", "rate_limit.rate: unknown key"},
        Wrong{tls + "cert_file: c}", "tls_server_config.cert_file: stands there twice"},
        Wrong{"tls_server_config: [a]", "tls_server_config: a mapping is wanted"},
        Wrong{"just text", "the file: a mapping is wanted"},
        Wrong{"? [a]\n: b\n", "the file: a key must be a text"},
        Wrong{"tls_server_config: {key_file: b}", "tls_server_config.cert_file: is missing"},
        Wrong{"tls_server_config: {cert_file: a}", "tls_server_config.key_file: is missing"},
        Wrong{"tls_server_config: {min_version: TLS13}", "without it there is no TLS"},
        Wrong{tls + "cert: PEM}", "tls_server_config.cert_file: give this or cert, not both"},
        Wrong{tls + "cert_file_: [x]}", "tls_server_config.cert_file_: unknown key"},
        Wrong{tls + "min_version: TLS14}", "min_version: is none of TLS10, TLS11, TLS12, TLS13"},
        Wrong{tls + "min_version: TLS13, max_version: TLS12}", "min_version: is above max_version"},
        Wrong{tls + "client_auth_type: Always}", "client_auth_type: is none of NoClientCert, "},
        Wrong{tls + "client_ca_file: c}", "client_ca_file: needs a client_auth_type"},
        Wrong{tls + "client_auth_type: RequireAndVerifyClientCert}", "needs a client_ca_file"},
        Wrong{tls + "client_allowed_sans: [a]}", "client_allowed_sans: needs a client_auth_type"},
        Wrong{tls + "client_allowed_sans: a}", "client_allowed_sans: a list is wanted"},
        Wrong{tls + "cipher_suites: [[a]]}", "cipher_suites: a list of texts is wanted"},
        Wrong{tls + "curve_preferences: [Curve25519]}", "curve_preferences: is none of CurveP256"},
        Wrong{tls + "prefer_server_cipher_suites: 2}", "true or false is wanted"},
        Wrong{"http_server_config: {http2: true}", "http2: vmflowd speaks HTTP/1.1 alone"},
        Wrong{"http_server_config: {headers: {X-Frame-Options: allow}}", "must be deny or same"},
        Wrong{"http_server_config: {headers: {X-XSS-Protection: \"1\\r\\nSet-Cookie: a\"}}",
              "X-XSS-Protection: must be one line"},
        Wrong{"basic_auth_users: {eva: secret}", "basic_auth_users.eva: is no bcrypt hash"},
        Wrong{"basic_auth_users: {eva: }", "basic_auth_users.eva: is no bcrypt hash"},
        Wrong{"basic_auth_users: {eva: [a]}", "basic_auth_users.eva: a text is wanted"},
        Wrong{"basic_auth_users: {\"a:b\": " + std::string(kHash) + "}", "hold a colon"},
        Wrong{"rate_limit: {interval: 1}", "rate_limit.interval: is no duration"},
        Wrong{"rate_limit: {interval: 1s}", "rate_limit.burst: must be 1 or more"},
        Wrong{"rate_limit: {interval: 1s, burst: -1}", "burst: a whole number is wanted"},
        Wrong{"a: b\n---\nc: d\n", "must hold one YAML document"}})
    EXPECT_NE(wrong(yaml).find(words), std::string::npos) << yaml << "\n" << wrong(yaml);
}

TEST(WebConfig, no_message_holds_a_secret) {
  for (const auto* yaml :
       {"basic_auth_users: {eva: hunter2}", "basic_auth_users: {eva: hunter2",
        "tls_server_config: {cert_file: a, key: [hunter2]}", "hunter2", "- hunter2",
        "tls_server_config: {key: hunter2}", "basic_auth_users: \"hunter2", "a: *hunter2"})
    EXPECT_EQ(wrong(yaml).find("hunter2"), std::string::npos) << wrong(yaml);
}

TEST(WebConfig, a_hostile_file_is_refused_at_once) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; i++) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before +
            "]\n";
  }
  const std::string deep(100'000, '[');
  const std::string mappings = [] {
    std::string text;
    for (int i = 0; i < 20'000; i++) text += "{a: ";
    return text;
  }();
  std::string every_byte;
  for (int byte = 0; byte < 256; byte++) every_byte += static_cast<char>(byte);
  for (const auto& yaml :
       {bomb, deep, mappings, "tls_server_config: " + deep, every_byte,
        std::string("key\0word: a", 11), std::string(kMostWebConfigBytes + 1, '#'),
        std::string("\x1b[31m\xff\xfe: a"), std::string("a: &a [*a]"), std::string("<<: [a]"),
        // Of these the library would make documents without end, or leave the rest unread.
        std::string(",a: b\nc: d"), std::string("http_server_config: {}\n]\na: b"),
        std::string("{}\n...\na: b"), std::string("!!binary x: y"),
        std::string("%YAML 9.9\n---\na: b")}) {
    const auto message = wrong(yaml);
    EXPECT_NE(message, "nothing is wrong") << yaml.substr(0, 40);
    EXPECT_LT(message.size(), 400u);
    for (const unsigned char c : message) EXPECT_GE(c, ' ') << message;
  }
}

TEST(WebConfig, whatever_stands_there_is_read_or_refused_in_one_line) {
  const std::string whole =
      "tls_server_config: {cert_file: a, key_file: b, cipher_suites: [c, d]}\n"
      "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"
      "basic_auth_users: &u {eva: " +
      std::string(kHash) + "}\nrate_limit: {interval: 1s, burst: 2}\n";
  const std::string marks = "{}[]:,&*!|>'\"%@`#?- \n\t\x01\x7f\xff";
  std::mt19937 random(1);
  for (int i = 0; i < 5'000; i++) {
    auto yaml = whole;
    for (unsigned changes = 1 + random() % 4; changes > 0; changes--)
      yaml[random() % yaml.size()] = marks[random() % marks.size()];
    const auto message = wrong(yaml);
    EXPECT_LT(message.size(), 400u);
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const auto* secret : {"X0h1gDsP", "XncSjhoQNJ", "Rrn"})
      EXPECT_EQ(message.find(secret), std::string::npos) << message;
  }
}

TEST(WebConfig, durations_are_those_of_go) {
  EXPECT_EQ(read_duration("0"), 0ns);
  EXPECT_EQ(read_duration("1s"), 1s);
  EXPECT_EQ(read_duration("1m30s"), 90s);
  EXPECT_EQ(read_duration("1.5h"), 90min);
  EXPECT_EQ(read_duration("250us"), 250us);
  for (const auto* text : {"", "1", "s", "1x", "-1s", "1s ", "inf", "nans", "1e300h", "25h"})
    EXPECT_FALSE(read_duration(text)) << text;
}

}  // namespace
}  // namespace vmflow
