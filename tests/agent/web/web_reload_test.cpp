// SPDX-License-Identifier: GPL-2.0-only
// Files that change while the server runs.
#include <httplib.h>
#include <openssl/x509.h>

#include "tests/agent/web/web_server.h"

namespace vmflow::test {
namespace {

/// As certbot and Kubernetes do: another file takes the place of the one that is there.
void replace(const TemporaryFolder& folder, const std::string& name, const std::string& text) {
  const auto fresh = folder.write(name + ".new", text);
  std::filesystem::rename(fresh, folder.path() + "/" + name);
}

void use(const TemporaryFolder& folder, const Identity& own) {
  replace(folder, "server.crt", text_of(own.cert));
  replace(folder, "server.key", text_of(own.key));
}

/// The serial number of the certificate that the server shows; empty: there is none.
std::string serial(const WebServer& server) {
  const auto out = server.folder().path() + "/serial";
  const auto status =
      std::system(("openssl s_client -connect 127.0.0.1:" + std::to_string(server.port()) +
                   " </dev/null 2>/dev/null | openssl x509 -noout -serial >" + out + " 2>/dev/null")
                      .c_str());
  return status == 0 ? text_of(out) : "";
}

int status(const WebServer& server, const std::string& password) {
  httplib::Client client(server.url());
  client.set_ca_cert_path(Certificates::get().ca.cert);
  client.set_basic_auth("eva", password);
  const auto answer = client.Get("/metrics");
  return answer ? answer->status : 0;
}

constexpr const char* kTls = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";

TEST(WebReload, a_new_certificate_is_shown_without_a_restart) {
  const auto& made = Certificates::get();
  WebServer server(tls_yaml());
  use(server.folder(), made.server);
  server.folder().write("web.yml", kTls);
  const auto before = serial(server);
  EXPECT_NE(before, "");
  EXPECT_EQ(server.flow().last_reload_successful, true);
  const auto read_at = server.flow().last_reload_unix_seconds;
  use(server.folder(), made.next_server);
  EXPECT_TRUE(eventually([&] { return serial(server) != before && !serial(server).empty(); }));
  EXPECT_TRUE(server.flow().last_reload_successful);
  EXPECT_GT(server.flow().last_reload_unix_seconds, read_at);
}

TEST(WebReload, what_is_wrong_keeps_the_old_and_is_said_once) {
  const auto& made = Certificates::get();
  WebServer server(tls_yaml() + users_yaml());
  EXPECT_EQ(status(server, "correct horse"), 200);
  const auto before = serial(server);
  size_t said = 0;
  for (const std::string& yaml :
       {std::string("nonsense: [\n"), users_yaml(), tls_yaml(), std::string(),
        "tls_server_config: {cert_file: " + made.server.cert + ", key_file: " + made.client.key +
            "}\n" + users_yaml()}) {
    server.folder().write("web.yml", yaml);
    // The next client has it looked at.
    EXPECT_EQ(status(server, "correct horse"), 200) << yaml;
    EXPECT_GT(server.logged("stays in use"), said) << yaml;
    said = server.logged("stays in use");
    EXPECT_FALSE(server.flow().last_reload_successful) << yaml;
    EXPECT_EQ(status(server, "wrong horse"), 401) << yaml;
    EXPECT_EQ(serial(server), before) << yaml;
  }
  // Looked at by every request, and by the clock.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_EQ(server.logged("stays in use"), said) << server.log();
  server.folder().write("web.yml", tls_yaml() + users_yaml("eva", "other horse"));
  EXPECT_EQ(status(server, "other horse"), 200);
  EXPECT_TRUE(server.flow().last_reload_successful);
  EXPECT_EQ(status(server, "correct horse"), 401);
}

TEST(WebReload, half_of_a_change_is_not_used) {
  const auto& made = Certificates::get();
  WebServer server(tls_yaml());
  use(server.folder(), made.server);
  server.folder().write("web.yml", kTls);
  const auto before = serial(server);
  // The certificate comes before its key.
  replace(server.folder(), "server.crt", text_of(made.next_server.cert));
  EXPECT_EQ(serial(server), before);
  EXPECT_FALSE(server.flow().last_reload_successful);
  replace(server.folder(), "server.key", text_of(made.next_server.key));
  // By the clock alone, without a client.
  EXPECT_TRUE(eventually([&] { return server.flow().last_reload_successful; }));
  EXPECT_NE(serial(server), before);
}

TEST(WebReload, a_ca_that_is_taken_away_is_not_trusted_any_more) {
  const auto& made = Certificates::get();
  WebServer server(tls_yaml(
      "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: " + made.ca.cert + "\n"));
  const auto is_served = [&] {
    httplib::Client client(server.url(), made.client.cert, made.client.key);
    client.set_ca_cert_path(made.ca.cert);
    const auto answer = client.Get("/metrics");
    return answer && answer->status == 200;
  };
  EXPECT_TRUE(is_served());
  server.folder().write(
      "web.yml", tls_yaml("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: " +
                          made.other_ca.cert + "\n"));
  EXPECT_FALSE(is_served());
}

}  // namespace
}  // namespace vmflow::test
