// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/tls_context.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "agent/c_handle.h"
#include "agent/http/client_names.h"
#include "tests/agent/web/certificates.h"

namespace vmflow::test {
namespace {

TlsSettings settings() {
  const auto& made = Certificates::get();
  TlsSettings settings{};
  settings.cert.path = made.server.cert;
  settings.key.path = made.server.key;
  settings.min_version = TLS1_2_VERSION;
  settings.max_version = TLS1_3_VERSION;
  return settings;
}

std::vector<std::string> ciphers_of(const SSL_CTX& context) {
  std::vector<std::string> names;
  const auto* all = SSL_CTX_get_ciphers(&context);
  for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
    names.emplace_back(SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(all, i)));
  return names;
}

TEST(TlsContext, every_cipher_that_go_calls_secure_is_known) {
  // crypto/tls, CipherSuites(); those of TLS 1.3 first.
  for (const auto* name :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"}) {
    auto wanted = settings();
    wanted.cipher_suites = {name};
    EXPECT_TRUE(make_tls_context(wanted)) << name;
  }
}

TEST(TlsContext, only_the_listed_ciphers_are_offered) {
  auto wanted = settings();
  wanted.cipher_suites = {"TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"};
  const auto context = make_tls_context(wanted);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(ciphers_of(**context), wanted.cipher_suites);
}

TEST(TlsContext, a_certificate_may_stand_in_the_file_itself) {
  auto wanted = settings();
  wanted.cert = {"", text_of(wanted.cert.path) + text_of(Certificates::get().ca.cert)};
  wanted.key = {"", text_of(wanted.key.path)};
  wanted.curves = {"X25519", "P-256"};
  const auto context = make_tls_context(wanted);
  ASSERT_TRUE(context) << context.error().message;
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context->get(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 1);
}

TEST(TlsContext, a_key_with_a_passphrase_is_an_error_and_asks_nobody) {
  TemporaryFolder folder;
  auto wanted = settings();
  const auto locked = folder.path() + "/locked.key";
  ASSERT_EQ(std::system(("openssl ec -aes256 -passout pass:secret -in " + wanted.key.path +
                         " -out " + locked + " 2>/dev/null")
                            .c_str()),
            0);
  wanted.key.path = locked;
  const auto context = make_tls_context(wanted);
  ASSERT_FALSE(context);
  EXPECT_NE(context.error().message.find("with a passphrase"), std::string::npos);
}

TEST(TlsContext, a_certificate_has_the_names_that_go_would_compare) {
  const CHandle<BIO, BIO_free_all> file(BIO_new_file(Certificates::get().client.cert.c_str(), "r"));
  const CHandle<X509, X509_free> client(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  EXPECT_EQ(alternative_names(*client),
            (std::vector<std::string>{"prometheus.example", "10.1.2.3"}));
}

}  // namespace
}  // namespace vmflow::test
