// SPDX-License-Identifier: GPL-2.0-only
// A real Prometheus, whose format the web configuration has.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>

#include "agent/http/web_config_file.h"
#include "tests/agent/web/web_server.h"

extern char** environ;

namespace vmflow::test {
namespace {

/// A program that runs until this ends.
class Running {
 public:
  explicit Running(std::vector<std::string> command) {
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    EXPECT_EQ(posix_spawnp(&pid_, arguments[0], nullptr, nullptr, arguments.data(), environ), 0)
        << command[0];
  }
  ~Running() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Running(const Running&) = delete;

 private:
  pid_t pid_ = 0;
};

std::string scrape_config(const WebServer& server, const std::string& password_file) {
  const auto& made = Certificates::get();
  return "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
         "scrape_configs:\n  - job_name: vmflow\n    scheme: https\n"
         "    tls_config: {ca_file: " +
         made.ca.cert + ", cert_file: " + made.client.cert + ", key_file: " + made.client.key +
         "}\n    basic_auth: {username: eva, password_file: " + password_file +
         "}\n    static_configs: [{targets: ['127.0.0.1:" + std::to_string(server.port()) +
         "']}]\n";
}

TEST(Prometheus, scrapes_with_a_certificate_and_a_password_over_one_connection) {
  const auto& made = Certificates::get();
  WebServer server(tls_yaml("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: " +
                            made.ca.cert + "\n  client_allowed_sans: [prometheus.example]\n") +
                   users_yaml());
  const auto password = server.folder().write("password", "correct horse");
  const auto config = server.folder().write("prometheus.yml", scrape_config(server, password));
  const Running prometheus({"prometheus", "--config.file=" + config, "--log.level=error",
                            "--storage.tsdb.path=" + server.folder().path() + "/data",
                            "--web.listen-address=127.0.0.1:0"});
  // It looks for new targets every five seconds.
  EXPECT_TRUE(eventually([&] { return server.scrapes() >= 5; }, 30)) << server.log();
  EXPECT_LE(server.flow().connections, 2u);  // a scrape that was late has a second one
  EXPECT_EQ(server.log(), "");
}

TEST(Prometheus, promtool_and_vmflowd_take_the_example) {
  const auto& made = Certificates::get();
  TemporaryFolder folder;
  folder.write("server.crt", text_of(made.server.cert));
  folder.write("server.key", text_of(made.server.key));
  folder.write("ca.crt", text_of(made.ca.cert));
  auto example = text_of(EXAMPLE_OF_WEB_CONFIG);
  const auto checked = check_web_config(folder.write("web.yml", example));
  EXPECT_TRUE(checked) << checked.error().message;
  // Debian 12's is too old to know this key.
  const auto begin = example.find("  client_allowed_sans:"), end = example.find("  min_version");
  ASSERT_LT(begin, end);
  example.erase(begin, end - begin);
  const auto path = folder.write("web.yml", example);
  EXPECT_EQ(std::system(("promtool check web-config " + path + " >/dev/null").c_str()), 0);
}

}  // namespace
}  // namespace vmflow::test
