// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/client_names.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "agent/c_handle.h"

namespace vmflow {
namespace {

/// What a context's verification needs of the settings.
struct Wanted {
  bool of_our_ca;
  std::optional<std::vector<std::string>> names;
};

void forget_wanted(void*, void* wanted, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Wanted*>(wanted);
}

int wanted_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, forget_wanted);
  return index;
}

void free_names(GENERAL_NAMES* names) {
  sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

std::string text_of(const ASN1_STRING& text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(&text)),
          static_cast<size_t>(ASN1_STRING_length(&text))};
}

std::string address_text(const std::string& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
  if (bytes.size() != sizeof(in_addr) && bytes.size() != sizeof(in6_addr)) return {};
  return inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr ? text.data() : "";
}

int verify(X509_STORE_CTX* chain, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* wanted =
      static_cast<const Wanted*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), wanted_index()));
  if (wanted->of_our_ca && X509_verify_cert(chain) != 1) return 0;
  if (wanted->names) {
    const auto names = alternative_names(*X509_STORE_CTX_get0_cert(chain));
    if (std::ranges::find_first_of(names, *wanted->names) == names.end()) {
      X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
      return 0;
    }
  }
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

int mode_of(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kNone:
      return SSL_VERIFY_NONE;
    case ClientAuth::kRequest:
    case ClientAuth::kVerifyIfGiven:
      return SSL_VERIFY_PEER;
    case ClientAuth::kRequireAny:
    case ClientAuth::kRequireAndVerify:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

}  // namespace

std::vector<std::string> alternative_names(const X509& certificate) {
  const CHandle<GENERAL_NAMES, free_names> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); i++) {
    const auto* name = sk_GENERAL_NAME_value(all.get(), i);
    std::string text;
    if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI)
      text = text_of(*name->d.ia5);
    else if (name->type == GEN_IPADD)
      text = address_text(text_of(*name->d.iPAddress));
    if (!text.empty() && text.find('\0') == std::string::npos) names.push_back(std::move(text));
  }
  return names;
}

void ask_for_client_certificate(SSL_CTX& context, const TlsSettings& settings) {
  const bool of_our_ca = settings.client_auth == ClientAuth::kVerifyIfGiven ||
                         settings.client_auth == ClientAuth::kRequireAndVerify;
  SSL_CTX_set_ex_data(&context, wanted_index(),
                      new Wanted{of_our_ca, settings.client_allowed_sans});
  SSL_CTX_set_verify(&context, mode_of(settings.client_auth), nullptr);
  SSL_CTX_set_cert_verify_callback(&context, verify, nullptr);
}

}  // namespace vmflow
