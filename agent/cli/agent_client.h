// SPDX-License-Identifier: GPL-2.0-only
// Talks to the API of an agent.
#pragma once

#include <string>

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

/// Over the network; waits some seconds for an answer.
class HttpAgentClient : public AgentClient {
 public:
  explicit HttpAgentClient(std::string url) : url_(std::move(url)) {}
  Result<HttpAnswer> get(const std::string& path) override;
  Result<HttpAnswer> post(const std::string& path, const std::string& json) override;

 private:
  std::string url_;
};

}  // namespace vmflow
