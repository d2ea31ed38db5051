// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/web_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>

#include "agent/http/tls_settings.h"
#include "agent/http/yaml_fields.h"

namespace vmflow {
namespace {

constexpr size_t kHashedBytes = 53;  // salt and hash, after $2y$10$
constexpr int kLeastCost = 4, kMostCost = 31;

bool is_bcrypt(const std::string& hash) {
  const auto is_base64 = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '/';
  };
  if (hash.size() != 7 + kHashedBytes || !hash.starts_with("$2") || hash[3] != '$' ||
      hash[6] != '$' || std::string_view("aby").find(hash[2]) == std::string_view::npos ||
      std::isdigit(static_cast<unsigned char>(hash[4])) == 0 ||
      std::isdigit(static_cast<unsigned char>(hash[5])) == 0)
    return false;
  const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
  return cost >= kLeastCost && cost <= kMostCost &&
         std::all_of(hash.begin() + 7, hash.end(), is_base64);
}

struct HeaderRule {
  std::string_view name;
  std::vector<std::string_view> values;  ///< empty: any
};

const std::vector<HeaderRule>& header_rules() {
  static const std::vector<HeaderRule> rules = {{"Strict-Transport-Security", {}},
                                                {"X-Content-Type-Options", {"nosniff"}},
                                                {"X-Frame-Options", {"deny", "sameorigin"}},
                                                {"X-XSS-Protection", {}},
                                                {"Content-Security-Policy", {}}};
  return rules;
}

void read_headers(YamlFields fields, WebConfig& config) {
  for (const auto& rule : header_rules()) {
    const auto value = fields.text(rule.name);
    if (!value || value->empty()) continue;
    if (!rule.values.empty() && std::ranges::find(rule.values, *value) == rule.values.end())
      fields.fail(rule.name, fmt::format("must be {}", fmt::join(rule.values, " or ")));
    // Else it would end the header and begin another.
    if (std::ranges::any_of(*value, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
      fields.fail(rule.name, "must be one line without control characters");
    config.headers.emplace_back(rule.name, *value);
  }
  fields.end("this header cannot be configured");
}

void read_http(YamlFields fields, WebConfig& config) {
  // Left out it is a wish that TLS' negotiation declines; written down it is an order.
  if (fields.boolean("http2").value_or(false))
    fields.fail("http2", "vmflowd speaks HTTP/1.1 alone: leave it out or say false");
  if (auto headers = fields.section("headers")) read_headers(std::move(*headers), config);
  fields.end();
}

void read_users(YamlFields fields, WebConfig& config) {
  for (const auto& name : fields.names()) {
    const auto hash = fields.text(name);
    if (name.empty() || name.find(':') != std::string::npos)
      fields.fail(name, "a user's name cannot be empty or hold a colon");
    if (!hash || !is_bcrypt(*hash))
      fields.fail(name, "is no bcrypt hash; htpasswd -nBC 10 NAME prints one");
    config.users[name] = *hash;
  }
}

void read_rate_limit(YamlFields fields, WebConfig& config) {
  RateLimit limit;
  if (const auto interval = fields.text("interval")) {
    const auto read = read_duration(*interval);
    if (!read) fields.fail("interval", "is no duration such as 1s or 100ms");
    limit.interval = *read;
  }
  limit.burst = fields.whole_number("burst").value_or(0);
  fields.end();
  if (limit.interval.count() == 0) return;
  if (limit.burst == 0) fields.fail("burst", "must be 1 or more, else nothing would be served");
  config.rate_limit = limit;
}

WebConfig read_document(const YAML::Node& document, const std::string& folder) {
  WebConfig config;
  YamlFields fields(document, "");
  if (auto tls = fields.section("tls_server_config"))
    config.tls = read_tls_settings(std::move(*tls), folder);
  if (auto http = fields.section("http_server_config")) read_http(std::move(*http), config);
  if (auto users = fields.section("basic_auth_users")) read_users(std::move(*users), config);
  if (auto limit = fields.section("rate_limit")) read_rate_limit(std::move(*limit), config);
  fields.end();
  return config;
}

}  // namespace

Result<WebConfig> parse_web_config(std::string_view yaml, const std::string& folder) {
  if (yaml.size() > kMostWebConfigBytes) return failure("the file is larger than 1 MiB");
  try {
    if (!is_one_document(std::string(yaml))) return failure("the file must hold one YAML document");
    return read_document(YAML::Load(std::string(yaml)), folder);
  } catch (const YamlFault& fault) {
    return failure(fault.what());
  } catch (const YAML::Exception& error) {
    // Its own text may quote the file, which holds secrets.
    return failure(
        fmt::format("no YAML: line {}, column {}", error.mark.line + 1, error.mark.column + 1));
  }
}

}  // namespace vmflow
