// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/domain_frames.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/vm_label.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

std::string bytes_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// `read` of the JSON, unless that is broken or of other types.
template <typename Read>
auto read_json(std::string_view bytes, Read read) -> std::optional<decltype(read(Json()))> {
  try {
    return read(Json::parse(bytes));
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string domain_bytes(const LibvirtDomain& domain) {
  Json json = {{"uuid", domain.uuid}, {"name", domain.name}};
  for (const auto& field : kGivenNames) json["names"][field.label] = domain.names.*field.text;
  return bytes_of(json);
}

std::optional<LibvirtDomain> domain_of(std::string_view bytes) {
  return read_json(bytes, [](const Json& json) {
    LibvirtDomain domain{.uuid = sanitise(json.at("uuid").get<std::string>()),
                         .name = sanitise(json.at("name").get<std::string>()),
                         .names = {}};
    for (const auto& field : kGivenNames)
      domain.names.*field.text = sanitise(json.at("names").at(field.label).get<std::string>());
    return domain;
  });
}

std::string uuids_bytes(const std::vector<std::string>& uuids) {
  return bytes_of(uuids);
}

std::optional<std::vector<std::string>> uuids_of(std::string_view bytes) {
  return read_json(bytes, [](const Json& json) { return json.get<std::vector<std::string>>(); });
}

std::string failure_bytes(const LibvirtFailure& failure) {
  return bytes_of({{"kind", static_cast<unsigned>(failure.kind)}, {"text", failure.text}});
}

std::optional<LibvirtFailure> failure_of(std::string_view bytes) {
  const auto failure = read_json(bytes, [](const Json& json) {
    auto text = sanitise(json.at("text").get<std::string>());
    std::ranges::replace(text, '\n', ' ');
    return LibvirtFailure{static_cast<LibvirtError>(json.at("kind").get<unsigned>()),
                          std::move(text)};
  });
  return failure && static_cast<size_t>(failure->kind) < kLibvirtErrors ? failure : std::nullopt;
}

}  // namespace vmflow
