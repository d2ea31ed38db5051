// SPDX-License-Identifier: GPL-2.0-only
// Which certificates of clients are taken, for each client_auth_type.
#include <httplib.h>

#include "tests/agent/web/web_server.h"

namespace vmflow::test {
namespace {

bool is_served(const WebServer& server, const Identity& own) {
  httplib::Client client(server.url(), own.cert, own.key);
  client.set_ca_cert_path(Certificates::get().ca.cert);
  client.set_connection_timeout(5);
  const auto answer = client.Get("/metrics");
  return answer && answer->status == 200;
}

std::string auth_yaml(const std::string& type, const std::string& more = "") {
  const bool has_ca = type.find("Verify") != std::string::npos;
  return tls_yaml("  client_auth_type: " + type + "\n" +
                  (has_ca ? "  client_ca_file: " + Certificates::get().ca.cert + "\n" : "") + more);
}

TEST(ClientCertificate, is_taken_or_not_as_its_type_says) {
  const auto& made = Certificates::get();
  struct Row {
    std::string type;
    bool none, good, expired, unknown, for_servers, self_signed;
  };
  for (const auto& row :
       {Row{"NoClientCert", true, true, true, true, true, true},
        Row{"RequestClientCert", true, true, true, true, true, true},
        Row{"RequireAnyClientCert", false, true, true, true, true, true},
        Row{"VerifyClientCertIfGiven", true, true, false, false, false, false},
        Row{"RequireAndVerifyClientCert", false, true, false, false, false, false}}) {
    WebServer server(auth_yaml(row.type));
    EXPECT_EQ(is_served(server, {}), row.none) << row.type;
    EXPECT_EQ(is_served(server, made.client), row.good) << row.type;
    EXPECT_EQ(is_served(server, made.expired_client), row.expired) << row.type;
    EXPECT_EQ(is_served(server, made.unknown_client), row.unknown) << row.type;
    EXPECT_EQ(is_served(server, made.server_as_client), row.for_servers) << row.type;
    EXPECT_EQ(is_served(server, made.self_signed), row.self_signed) << row.type;
    const uint64_t refusals =
        !row.none + !row.good + !row.expired + !row.unknown + !row.for_servers + !row.self_signed;
    expect_refused(server, HttpRefusal::kClientCertificate, refusals);
    EXPECT_EQ(server.logged("(client_certificate)"), refusals > 0 ? 1u : 0u) << server.log();
  }
}

TEST(ClientCertificate, the_log_says_why_it_is_not_taken) {
  const auto& made = Certificates::get();
  struct Row {
    Identity own;
    std::string words;
  };
  for (const auto& [own, words] : {Row{made.expired_client, "certificate has expired"},
                                   Row{made.unknown_client, "unable to get local issuer"},
                                   Row{{}, "peer did not return a certificate"}}) {
    WebServer server(auth_yaml("RequireAndVerifyClientCert"));
    EXPECT_FALSE(is_served(server, own));
    expect_refused(server, HttpRefusal::kClientCertificate, 1);
    EXPECT_EQ(server.logged("client 127.0.0.1 was not served (client_certificate): " + words), 1u)
        << server.log();
    EXPECT_TRUE(is_served(server, made.client));
  }
}

TEST(ClientCertificate, without_a_ca_is_held_against_those_of_the_system) {
  WebServer server(tls_yaml("  client_auth_type: VerifyClientCertIfGiven\n"));
  EXPECT_TRUE(is_served(server, {}));
  EXPECT_FALSE(is_served(server, Certificates::get().client));
}

TEST(ClientCertificate, must_have_an_allowed_name) {
  const auto& made = Certificates::get();
  struct Row {
    std::string allowed;
    bool client, other;
  };
  for (const auto& [allowed, client, other] :
       {Row{"[prometheus.example]", true, false}, Row{"[10.1.2.3]", true, false},
        Row{"[grafana.example, prometheus.example]", true, true}, Row{"[prometheus]", false, false},
        Row{"[]", false, false}}) {
    WebServer server(
        auth_yaml("RequireAndVerifyClientCert", "  client_allowed_sans: " + allowed + "\n"));
    EXPECT_EQ(is_served(server, made.client), client) << allowed;
    EXPECT_EQ(is_served(server, made.other_client), other) << allowed;
    EXPECT_FALSE(is_served(server, made.unknown_client)) << allowed;
    expect_refused(server, HttpRefusal::kClientCertificate, 1u + !client + !other);
    if (!other) {
      EXPECT_EQ(server.logged("(client_certificate)"), 1u) << server.log();
    }
  }
}

}  // namespace
}  // namespace vmflow::test
