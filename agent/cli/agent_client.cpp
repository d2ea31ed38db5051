// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/agent_client.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace vmflow {
namespace {

constexpr time_t kSecondsToConnect = 3, kSecondsToAnswer = 10;

/// Calls `ask(client)` for an httplib::Result.
template <typename Ask>
Result<HttpAnswer> ask_agent(const std::string& url, Ask ask) {
  try {
    httplib::Client client(url);
    client.set_connection_timeout(kSecondsToConnect);
    client.set_read_timeout(kSecondsToAnswer);
    const auto answer = ask(client);
    if (!answer)
      return failure(
          fmt::format("no answer from {}: {}; is vmflowd running there? --agent says "
                      "where it is",
                      url, httplib::to_string(answer.error())));
    return HttpAnswer{answer->status, answer->body, 0};
  } catch (const std::exception& error) {
    return failure(fmt::format("cannot ask {}: {}", url, error.what()));
  }
}

}  // namespace

Result<std::string> checked_url(const std::string& url) {
  const auto wrong = [&] {
    return failure(fmt::format("'{}' is not http://HOST:PORT or https://HOST:PORT", url));
  };
  auto end = url;
  while (end.ends_with('/')) end.pop_back();
  const auto scheme = end.find("://");
  if (scheme == std::string::npos) return wrong();
  const auto host = end.substr(scheme + 3);
  const bool is_known = end.starts_with("http://") || end.starts_with("https://");
  const bool is_plain = std::ranges::all_of(host, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' ||
           c == ']';
  });
  if (!is_known || host.empty() || !is_plain) return wrong();
  return end;
}

Result<HttpAnswer> HttpAgentClient::get(const std::string& path) {
  return ask_agent(url_, [&](auto& client) { return client.Get(path); });
}

Result<HttpAnswer> HttpAgentClient::post(const std::string& path, const std::string& json) {
  return ask_agent(url_, [&](auto& client) { return client.Post(path, json, "application/json"); });
}

}  // namespace vmflow
