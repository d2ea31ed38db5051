// SPDX-License-Identifier: GPL-2.0-only
// What the HTTP surface has come to, as counts: part of the model.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vmflow {

/// Why a client was not served.
enum class HttpRefusal {
  kPlainHttp,          ///< HTTP without TLS where TLS is wanted
  kTlsHandshake,       ///< no protocol or cipher in common, or no TLS at all
  kClientCertificate,  ///< none, expired, of an unknown CA, or of a name that is not allowed
  kCredentials,        ///< no password, or a wrong one
  kMalformed,          ///< not a request of HTTP/1.0 or 1.1
  kHeaderTooLarge,
  kBodyTooLarge,
  kSlow,      ///< handshake, request or answer did not come to its end in time
  kOverload,  ///< closed because others need the room
  kRate,      ///< more requests than `rate_limit` of the web configuration lets pass
};
constexpr uint32_t kHttpRefusals = 10;

std::string_view refusal_name(HttpRefusal refusal);

struct WebFlow {
  uint64_t connections = 0;  ///< open now
  std::array<uint64_t, kHttpRefusals> refused{};
  bool has_config = false;  ///< there is a file of --web.config.file
  bool last_reload_successful = true;
  double last_reload_unix_seconds = 0;  ///< of the last one that was successful
};

}  // namespace vmflow
