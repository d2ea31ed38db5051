// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/tls_settings.h"

#include <openssl/tls1.h>

#include <filesystem>
#include <utility>

namespace vmflow {
namespace {

template <typename Value>
using Names = std::vector<std::pair<std::string_view, Value>>;

const Names<int>& versions() {
  static const Names<int> names = {{"TLS10", TLS1_VERSION},
                                   {"TLS11", TLS1_1_VERSION},
                                   {"TLS12", TLS1_2_VERSION},
                                   {"TLS13", TLS1_3_VERSION}};
  return names;
}

const Names<ClientAuth>& client_auths() {
  static const Names<ClientAuth> names = {
      {"", ClientAuth::kNone},
      {"NoClientCert", ClientAuth::kNone},
      {"RequestClientCert", ClientAuth::kRequest},
      {"RequireAnyClientCert", ClientAuth::kRequireAny},
      {"RequireClientCert", ClientAuth::kRequireAny},  // its name before 2019
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  return names;
}

const Names<std::string>& curves() {
  static const Names<std::string> names = {
      {"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}};
  return names;
}

template <typename Value>
Value named(const YamlFields& fields, std::string_view key, const std::string& name,
            const Names<Value>& names) {
  for (const auto& [known, value] : names)
    if (known == name) return value;
  std::string all;
  for (const auto& [known, value] : names)
    if (!known.empty()) all += (all.empty() ? "" : ", ") + std::string(known);
  fields.fail(key, "is none of " + all);
}

PemSource pem(YamlFields& fields, std::string_view key, const std::string& folder) {
  PemSource source;
  const auto file_key = std::string(key) + "_file";
  source.text = fields.text(key).value_or("");
  source.path = fields.text(file_key).value_or("");
  if (!source.text.empty() && !source.path.empty())
    fields.fail(file_key, "give this or " + std::string(key) + ", not both");
  if (!source.path.empty()) source.path = (std::filesystem::path(folder) / source.path).string();
  return source;
}

void check(const YamlFields& fields, const TlsSettings& tls) {
  if (!tls.cert.is_given()) fields.fail("cert_file", "is missing");
  if (!tls.key.is_given()) fields.fail("key_file", "is missing");
  if (tls.min_version > tls.max_version) fields.fail("min_version", "is above max_version");
  if (tls.client_ca.is_given() && tls.client_auth == ClientAuth::kNone)
    fields.fail("client_ca_file", "needs a client_auth_type, else no certificate is asked for");
  // exporter-toolkit would let everybody in for whom any CA of the system has signed anything.
  if (!tls.client_ca.is_given() && tls.client_auth == ClientAuth::kRequireAndVerify)
    fields.fail("client_auth_type", "needs a client_ca_file to verify certificates with");
  if (tls.client_allowed_sans && tls.client_auth == ClientAuth::kNone)
    fields.fail("client_allowed_sans",
                "needs a client_auth_type, else no certificate is asked for");
}

}  // namespace

std::optional<TlsSettings> read_tls_settings(YamlFields fields, const std::string& folder) {
  TlsSettings tls{};
  tls.cert = pem(fields, "cert", folder);
  tls.key = pem(fields, "key", folder);
  tls.client_ca = pem(fields, "client_ca", folder);
  const auto auth = fields.text("client_auth_type").value_or("");
  tls.client_auth = named(fields, "client_auth_type", auth, client_auths());
  tls.client_allowed_sans = fields.texts("client_allowed_sans");
  tls.min_version =
      named(fields, "min_version", fields.text("min_version").value_or("TLS12"), versions());
  tls.max_version =
      named(fields, "max_version", fields.text("max_version").value_or("TLS13"), versions());
  tls.cipher_suites = fields.texts("cipher_suites").value_or(std::vector<std::string>{});
  for (const auto& name : fields.texts("curve_preferences").value_or(std::vector<std::string>{}))
    tls.curves.push_back(named(fields, "curve_preferences", name, curves()));
  tls.prefer_server_ciphers = fields.boolean("prefer_server_cipher_suites").value_or(true);
  fields.end();
  const bool is_wanted =
      tls.cert.is_given() || tls.key.is_given() || tls.client_ca.is_given() || !auth.empty();
  // exporter-toolkit serves plain HTTP then, whatever else the section says.
  if (!is_wanted && !fields.names().empty())
    fields.fail("cert_file", "is missing: without it there is no TLS, whatever else stands here");
  if (!is_wanted) return std::nullopt;
  check(fields, tls);
  return tls;
}

}  // namespace vmflow
