// SPDX-License-Identifier: GPL-2.0-only
// The section tls_server_config of a web configuration.
#pragma once

#include <optional>
#include <string>

#include "agent/http/web_config.h"
#include "agent/http/yaml_fields.h"

namespace vmflow {

/// Nullopt: the section asks for no TLS. Errors: throws YamlFault.
std::optional<TlsSettings> read_tls_settings(YamlFields fields, const std::string& folder);

}  // namespace vmflow
