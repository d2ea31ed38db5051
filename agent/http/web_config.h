// SPDX-License-Identifier: GPL-2.0-only
// TLS, passwords and headers of the HTTP surface, in the format of Prometheus' exporter-toolkit.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// What is asked of a client's certificate. Source: crypto/tls of Go, whose names the file uses.
enum class ClientAuth { kNone, kRequest, kRequireAny, kVerifyIfGiven, kRequireAndVerify };

/// PEM text, or the file that holds it.
struct PemSource {
  std::string path;
  std::string text;
  bool is_given() const { return !path.empty() || !text.empty(); }
};

struct TlsSettings {
  PemSource cert, key, client_ca;
  ClientAuth client_auth = ClientAuth::kNone;
  std::optional<std::vector<std::string>> client_allowed_sans;
  int min_version;  ///< as OpenSSL counts
  int max_version;
  std::vector<std::string> cipher_suites;  ///< IANA's names; empty: the library's choice
  std::vector<std::string> curves;         ///< OpenSSL's names, in this order
  bool prefer_server_ciphers = true;
};

/// A token bucket over all requests.
struct RateLimit {
  std::chrono::nanoseconds interval{0};  ///< between two requests
  uint32_t burst = 0;
};

struct WebConfig {
  std::optional<TlsSettings> tls;
  std::vector<std::pair<std::string, std::string>> headers;  ///< of every answer
  std::map<std::string, std::string> users;                  ///< bcrypt hashes by name
  std::optional<RateLimit> rate_limit;
};

/// More is no configuration.
constexpr size_t kMostWebConfigBytes = 1u << 20;

/// Reads the file's text; relative paths in it start at `folder`. No other file is read.
/// Errors: no YAML, an unknown key, one key twice, a wrong type or value, what this server cannot
/// do: one line that names the key and holds no secret.
Result<WebConfig> parse_web_config(std::string_view yaml, const std::string& folder);

}  // namespace vmflow
