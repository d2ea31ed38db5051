// SPDX-License-Identifier: GPL-2.0-only
// vmflow's own client against the real server.
#include "agent/cli/agent_client.h"

#include "tests/agent/web/web_server.h"

namespace vmflow::test {
namespace {

std::string words(const AgentAddress& address) {
  HttpAgentClient client(address);
  const auto answer = client.get("/api/v1/vms");
  return answer ? answer->json : answer.error().message;
}

TEST(AgentClient, tls_a_certificate_and_a_password_open_the_door) {
  const auto& made = Certificates::get();
  WebServer server(tls_yaml("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: " +
                            made.ca.cert + "\n") +
                   users_yaml());
  const auto password = server.folder().write("password", "correct horse\n");
  const AgentAddress right{.url = server.url(),
                           .ca_file = made.ca.cert,
                           .cert_file = made.client.cert,
                           .key_file = made.client.key,
                           .user = "eva",
                           .password_file = password};
  EXPECT_EQ(words(right), "{}");
  auto wrong = right;
  wrong.ca_file = made.other_ca.cert;
  EXPECT_NE(words(wrong).find("is not trusted"), std::string::npos) << words(wrong);
  wrong.ca_file = "";
  EXPECT_NE(words(wrong).find("is not trusted"), std::string::npos) << words(wrong);
  wrong = right;
  wrong.cert_file = wrong.key_file = "";
  EXPECT_NE(words(wrong).find("wants it a certificate"), std::string::npos) << words(wrong);
  wrong = right;
  wrong.key_file = made.other_client.key;
  EXPECT_NE(words(wrong).find("--cert and --key"), std::string::npos) << words(wrong);
  wrong = right;
  wrong.user = wrong.password_file = "";
  EXPECT_NE(words(wrong).find("--user and --password-file"), std::string::npos) << words(wrong);
  wrong = right;
  wrong.password_file = server.folder().write("wrong", "wrong horse");
  EXPECT_NE(words(wrong).find("does not take this user"), std::string::npos) << words(wrong);
  wrong.password_file = "/nonexistent/password";
  EXPECT_NE(words(wrong).find("no password can be read"), std::string::npos) << words(wrong);
  wrong = right;
  wrong.url = server.plain_url();
  EXPECT_NE(words(wrong).find("--agent https://"), std::string::npos) << words(wrong);
}

TEST(AgentClient, the_name_in_the_certificate_must_be_the_hosts) {
  const auto& made = Certificates::get();
  WebServer server("tls_server_config: {cert_file: " + made.server_as_client.cert +
                   ", key_file: " + made.server_as_client.key + "}\n");
  const AgentAddress address{.url = server.url(), .ca_file = made.ca.cert};
  EXPECT_NE(words(address).find("is for another name"), std::string::npos) << words(address);
}

TEST(AgentClient, a_server_of_plain_http_is_told_apart) {
  WebServer server("");
  EXPECT_NE(words({.url = server.url()}).find("is it http://"), std::string::npos)
      << words({.url = server.url()});
  EXPECT_EQ(words({.url = server.plain_url()}), "{}");
}

}  // namespace
}  // namespace vmflow::test
