// SPDX-License-Identifier: GPL-2.0-only
// A server's side of TLS, made of its settings.
#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "agent/http/web_config.h"
#include "agent/result.h"

namespace vmflow {

using TlsContext = std::shared_ptr<SSL_CTX>;

/// Reads the files that `settings` name.
/// Errors: a file that cannot be read or holds no PEM, a key that is not the certificate's, an
/// unknown cipher: one line that names the key of the configuration.
Result<TlsContext> make_tls_context(const TlsSettings& settings);

/// The last error of OpenSSL in this thread, in its own words, and forgets all of them.
std::string tls_error_text();

}  // namespace vmflow
