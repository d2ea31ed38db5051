// SPDX-License-Identifier: GPL-2.0-only
#include "tests/agent/web/certificates.h"

#include <crypt.h>
#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

namespace vmflow::test {
namespace {

void run(const std::string& command) {
  EXPECT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << command;
}

constexpr const char* kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

}  // namespace

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string bcrypt(const std::string& password) {
  crypt_data work{};
  return crypt_r(password.c_str(), "$2y$04$abcdefghijklmnopqrstuu", &work);
}

Identity Certificates::certificate_authority(const std::string& name) {
  const Identity made{folder_.path() + "/" + name + ".crt", folder_.path() + "/" + name + ".key"};
  run(fmt::format("openssl req -x509 {} -keyout {} -out {} -days 30 -subj /CN={}", kNewKey,
                  made.key, made.cert, name));
  return made;
}

Identity Certificates::issue(const std::string& name, const Identity& by, const std::string& names,
                             const std::string& use, const std::string& when) {
  const auto base = folder_.path() + "/" + name;
  const Identity made{base + ".crt", base + ".key"};
  folder_.write(name + ".ext", fmt::format("subjectAltName={}\nextendedKeyUsage={}\n", names, use));
  folder_.write(name + ".db", "");
  folder_.write(name + ".cnf",
                fmt::format("[ca]\ndefault_ca=d\n[d]\ndatabase={0}.db\nnew_certs_dir={1}\n"
                            "rand_serial=yes\npolicy=p\ndefault_md=sha256\nunique_subject=no\n"
                            "[p]\ncommonName=supplied\n",
                            base, folder_.path()));
  run(fmt::format("openssl req {} -keyout {} -out {}.csr -subj /CN={}", kNewKey, made.key, base,
                  name));
  run(
      fmt::format("openssl ca -batch -notext -config {0}.cnf -cert {1} -keyfile {2} -in {0}.csr "
                  "-out {0}.crt -extfile {0}.ext {3}",
                  base, by.cert, by.key, when));
  return made;
}

Certificates::Certificates() {
  const std::string prometheus = "DNS:prometheus.example,IP:10.1.2.3";
  ca = certificate_authority("ca");
  other_ca = certificate_authority("other_ca");
  const std::string here = "DNS:localhost,IP:127.0.0.1";
  server = issue("server", ca, here, "serverAuth");
  next_server = issue("next_server", ca, here, "serverAuth");
  client = issue("client", ca, prometheus, "clientAuth");
  other_client = issue("other_client", ca, "DNS:grafana.example", "clientAuth");
  expired_client = issue("expired_client", ca, prometheus, "clientAuth",
                         "-startdate 20200101000000Z -enddate 20200201000000Z");
  unknown_client = issue("unknown_client", other_ca, prometheus, "clientAuth");
  server_as_client = issue("server_as_client", ca, prometheus, "serverAuth");
  self_signed = certificate_authority("self_signed");
}

const Certificates& Certificates::get() {
  static const Certificates certificates;
  return certificates;
}

}  // namespace vmflow::test
