// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/agent_client.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <utility>

namespace vmflow {
namespace {

constexpr time_t kSecondsToConnect = 3;

/// The first line of a file. Errors: it cannot be read, or has none.
Result<std::string> password_in(const std::string& path) {
  std::ifstream file(path);
  std::string password;
  if (!std::getline(file, password) || password.empty())
    return failure(fmt::format("--password-file: no password can be read from '{}'", path));
  if (password.back() == '\r') password.pop_back();
  return password;
}

/// What can be said of it before anybody is asked.
Result<void> check_files(const AgentAddress& address) {
  const bool has_tls = address.url.starts_with("https://");
  if (!has_tls && !(address.ca_file + address.cert_file).empty())
    return failure(
        fmt::format("--ca, --cert and --key are for TLS: {} https://HOST:PORT", address.flag));
  for (const auto& file : {address.ca_file, address.cert_file, address.key_file})
    if (!file.empty() && !std::ifstream(file))
      return failure(fmt::format("cannot read '{}'", file));
  return {};
}

std::string no_answer(const AgentAddress& address, httplib::Error error) {
  const bool has_tls = address.url.starts_with("https://");
  if (error == httplib::Error::SSLServerVerification)
    return fmt::format(
        "the certificate of {} is not trusted, or is for another name; --ca names the file of who "
        "signed it",
        address.url);
  if (error == httplib::Error::SSLLoadingCerts)
    return fmt::format("--ca: no certificate in PEM in '{}'", address.ca_file);
  if (has_tls && error == httplib::Error::SSLConnection)
    return fmt::format("no TLS with {}: is it http://, or wants it another --cert and --key?",
                       address.url);
  // With TLS 1.3 a client learns only when it reads that its certificate was refused.
  if (has_tls && error == httplib::Error::Read)
    return fmt::format("{} closed the connection: wants it a certificate, --cert and --key?",
                       address.url);
  return fmt::format("no answer from {}: {}; is {} running there? {} says where it is", address.url,
                     httplib::to_string(error), address.program, address.flag);
}

/// Calls `ask(client)` for an httplib::Result.
template <typename Ask>
Result<HttpAnswer> ask_agent(const AgentAddress& address, Ask ask) {
  if (auto checked = check_files(address); !checked) return tl::unexpected(checked.error());
  try {
    httplib::Client client(address.url, address.cert_file, address.key_file);
    if (!client.is_valid())
      return failure("--cert and --key: no certificate and key in PEM that belong together");
    client.set_connection_timeout(kSecondsToConnect);
    client.set_tcp_nodelay(true);
    client.set_read_timeout(address.most_seconds);
    if (!address.ca_file.empty()) client.set_ca_cert_path(address.ca_file);
    if (!address.user.empty()) {
      const auto password = password_in(address.password_file);
      if (!password) return tl::unexpected(password.error());
      client.set_basic_auth(address.user, *password);
    }
    const auto answer = ask(client);
    if (!answer) return failure(no_answer(address, answer.error()));
    if (answer->status == 401)
      return failure(address.url + (address.user.empty()
                                        ? " wants a user and a password: --user and --password-file"
                                        : " does not take this user and password"));
    return HttpAnswer{answer->status, answer->body, 0};
  } catch (const std::exception& error) {
    return failure(fmt::format("cannot ask {}: {}", address.url, error.what()));
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
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::seconds(address_.most_seconds);
  std::string body;
  bool is_too_long = false, is_too_late = false;
  auto answer = ask_agent(address_, [&](auto& client) {
    return client.Get(path, [&](const char* data, size_t size) {
      is_too_long = body.size() + size > address_.most_bytes;
      is_too_late = Clock::now() > until;
      if (!is_too_long && !is_too_late) body.append(data, size);
      return !is_too_long && !is_too_late;
    });
  });
  if (is_too_long)
    return failure(
        fmt::format("{} answers more than {} MiB", address_.url, address_.most_bytes >> 20));
  if (is_too_late)
    return failure(
        fmt::format("{} takes more than {} s to answer", address_.url, address_.most_seconds));
  if (answer) answer->json = std::move(body);
  return answer;
}

Result<HttpAnswer> HttpAgentClient::post(const std::string& path, const std::string& json) {
  return ask_agent(address_,
                   [&](auto& client) { return client.Post(path, json, "application/json"); });
}

}  // namespace vmflow
