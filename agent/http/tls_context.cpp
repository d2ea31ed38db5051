// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "agent/c_handle.h"
#include "agent/http/client_names.h"
#include "agent/one_line.h"

namespace vmflow {
namespace {

using Bio = CHandle<BIO, BIO_free_all>;
using Certificate = CHandle<X509, X509_free>;
using Key = CHandle<EVP_PKEY, EVP_PKEY_free>;

constexpr size_t kMostPemBytes = 1u << 20;

Result<std::string> pem_text(const PemSource& source, std::string_view key) {
  if (source.path.empty()) return source.text;
  std::ifstream file(source.path, std::ios::binary);
  std::string text(kMostPemBytes, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.eof() && file.fail()) || !file.is_open())
    return failure(fmt::format("{}_file: cannot read '{}'", key, one_line(source.path)));
  if (!file.eof()) return failure(fmt::format("{}_file: is larger than 1 MiB", key));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A passphrase would be asked for on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<void> use_certificate(SSL_CTX* context, const PemSource& source) {
  const auto text = pem_text(source, "cert");
  if (!text) return tl::unexpected(text.error());
  const auto bio = bio_of(*text);
  const Certificate own(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1)
    return failure(fmt::format("cert: no certificate in PEM ({})", tls_error_text()));
  while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)})
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1)
      return failure(fmt::format("cert: its chain cannot be used ({})", tls_error_text()));
  ERR_clear_error();  // that there is no further one
  return {};
}

Result<void> use_key(SSL_CTX* context, const PemSource& source) {
  const auto text = pem_text(source, "key");
  if (!text) return tl::unexpected(text.error());
  const auto bio = bio_of(*text);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return failure("key: no private key in PEM, or one with a passphrase");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return failure(fmt::format("key: is not the certificate's ({})", tls_error_text()));
  return {};
}

Result<void> use_client_ca(SSL_CTX* context, const PemSource& source) {
  const auto text = pem_text(source, "client_ca");
  if (!text) return tl::unexpected(text.error());
  const auto bio = bio_of(*text);
  int count = 0;
  while (Certificate ca{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1 ||
        SSL_CTX_add_client_CA(context, ca.get()) != 1)
      return failure(fmt::format("client_ca: cannot be used ({})", tls_error_text()));
    count++;
  }
  ERR_clear_error();
  if (count == 0) return failure("client_ca: no certificate in PEM");
  return {};
}

/// OpenSSL's name of a cipher by IANA's; empty: it has none.
std::string cipher_name(const std::string& name) {
  const CHandle<SSL_CTX, SSL_CTX_free> all(SSL_CTX_new(TLS_server_method()));
  if (!all || SSL_CTX_set_cipher_list(all.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0") != 1) return {};
  const auto* ciphers = SSL_CTX_get_ciphers(all.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
    const auto* cipher = sk_SSL_CIPHER_value(ciphers, i);
    const char* standard = SSL_CIPHER_standard_name(cipher);
    if (standard != nullptr && name == standard) return SSL_CIPHER_get_name(cipher);
  }
  return {};
}

Result<void> use_ciphers(SSL_CTX* context, const std::vector<std::string>& names) {
  std::string up_to_12, of_13;
  for (const auto& name : names) {
    const auto known = cipher_name(name);
    if (known.empty()) return failure(fmt::format("cipher_suites: no cipher '{}'", one_line(name)));
    // Those of TLS 1.3 have one name everywhere.
    auto& list = known == name ? of_13 : up_to_12;
    list += (list.empty() ? "" : ":") + known;
  }
  if ((!up_to_12.empty() && SSL_CTX_set_cipher_list(context, up_to_12.c_str()) != 1) ||
      (!of_13.empty() && SSL_CTX_set_ciphersuites(context, of_13.c_str()) != 1))
    return failure(fmt::format("cipher_suites: not usable ({})", tls_error_text()));
  return {};
}

Result<void> use_protocol(SSL_CTX* context, const TlsSettings& settings) {
  // OpenSSL lets no version below 1.2 work at its usual level.
  if (settings.min_version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
  if (SSL_CTX_set_min_proto_version(context, settings.min_version) != 1 ||
      SSL_CTX_set_max_proto_version(context, settings.max_version) != 1)
    return failure(fmt::format("min_version: not usable ({})", tls_error_text()));
  // Resumed sessions would outlive a change of the CA.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_num_tickets(context, 0) != 1) return failure("no memory for TLS");
  if (settings.prefer_server_ciphers) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  const auto curves = fmt::format("{}", fmt::join(settings.curves, ":"));
  if (!curves.empty() && SSL_CTX_set1_groups_list(context, curves.c_str()) != 1)
    return failure(fmt::format("curve_preferences: not usable ({})", tls_error_text()));
  return use_ciphers(context, settings.cipher_suites);
}

}  // namespace

std::string tls_error_text() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "no reason given";
}

Result<TlsContext> make_tls_context(const TlsSettings& settings) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return failure("no memory for TLS");
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  auto done = use_protocol(context.get(), settings);
  if (done) done = use_certificate(context.get(), settings.cert);
  if (done) done = use_key(context.get(), settings.key);
  if (done && settings.client_ca.is_given())
    done = use_client_ca(context.get(), settings.client_ca);
  // As Go does it: those that the system trusts.
  else if (done && settings.client_auth == ClientAuth::kVerifyIfGiven)
    SSL_CTX_set_default_verify_paths(context.get());
  if (!done) return failure("tls_server_config." + done.error().message);
  ask_for_client_certificate(*context, settings);
  return context;
}

}  // namespace vmflow
