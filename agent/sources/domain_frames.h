// SPDX-License-Identifier: GPL-2.0-only
// What the process that asks libvirt says to the agent: in a frame of its own before each question,
// for each domain, after all of them, and when it gives up.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/flow_model.h"
#include "analysis/libvirt_domain.h"

namespace vmflow {

/// Why one attempt ended, or a domain is missing. Shape: `text` is one line.
struct LibvirtFailure {
  LibvirtError kind = LibvirtError::kDied;
  std::string text;
};

std::string domain_bytes(const LibvirtDomain& domain);
std::string uuids_bytes(const std::vector<std::string>& uuids);
std::string failure_bytes(const LibvirtFailure& failure);

// Errors: nullopt if the bytes are nothing of that kind; the process may have been taken over.
std::optional<LibvirtDomain> domain_of(std::string_view bytes);
std::optional<std::vector<std::string>> uuids_of(std::string_view bytes);
std::optional<LibvirtFailure> failure_of(std::string_view bytes);

}  // namespace vmflow
