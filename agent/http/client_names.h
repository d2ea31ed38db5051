// SPDX-License-Identifier: GPL-2.0-only
// Which certificates of clients a server takes.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "agent/http/web_config.h"

namespace vmflow {

/// Sets what the handshakes of `context` ask for: client_auth_type and client_allowed_sans.
void ask_for_client_certificate(SSL_CTX& context, const TlsSettings& settings);

/// The names of a certificate: DNS, mail, URI, and addresses as text. Without those that hold a
/// NUL.
std::vector<std::string> alternative_names(const X509& certificate);

}  // namespace vmflow
