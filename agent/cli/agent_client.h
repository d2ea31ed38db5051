// SPDX-License-Identifier: GPL-2.0-only
// Talks to the API of an agent.
#pragma once

#include <string>
#include <utility>

#include "agent/http/answer.h"
#include "agent/result.h"

namespace vmflow {

inline constexpr const char* kAgentUrl = "http://127.0.0.1:9752";

class AgentClient {
 public:
  virtual ~AgentClient() = default;
  /// Errors: nothing answers; in words, with the address.
  virtual Result<HttpAnswer> get(const std::string& path) = 0;
  virtual Result<HttpAnswer> post(const std::string& path, const std::string& json) = 0;
};

/// SCHEME://HOST[:PORT], without the slashes at its end.
/// Errors: it is no such URL, or neither http nor https.
Result<std::string> checked_url(const std::string& url);

/// Where an agent is, and how it is asked. Empty: not given.
struct AgentAddress {
  std::string url = kAgentUrl;
  std::string ca_file{};    ///< PEM of who signs the agent's certificate; else the system's
  std::string cert_file{};  ///< PEM of a certificate of ours, and its key
  std::string key_file{};
  std::string user{};
  std::string password_file{};  ///< whose first line it is
  /// Who is asked, for messages; and how much is taken from it, in seconds and bytes.
  std::string program = "vmflowd";
  std::string flag = "--agent";
  int most_seconds = 10;
  size_t most_bytes = size_t{256} << 20;
};

/// Over the network; waits some seconds for an answer. What TLS or the password has against it is
/// an error, as no answer is.
class HttpAgentClient : public AgentClient {
 public:
  explicit HttpAgentClient(AgentAddress address) : address_(std::move(address)) {}
  Result<HttpAnswer> get(const std::string& path) override;
  Result<HttpAnswer> post(const std::string& path, const std::string& json) override;

 private:
  AgentAddress address_;
};

}  // namespace vmflow
