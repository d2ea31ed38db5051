// SPDX-License-Identifier: GPL-2.0-only
// A libvirt domain's XML. Its title and metadata are a tenant's: it is hostile text.
#pragma once

#include <string_view>

#include "agent/result.h"
#include "analysis/libvirt_domain.h"

namespace vmflow {

/// More than libvirt itself sends in one text.
constexpr size_t kMostDomainXmlBytes = 4 << 20;

/// Name, uuid, title and the metadata of OpenStack's nova and of KubeVirt. All texts are as
/// sanitise() leaves them. Nothing is fetched and no entity is defined: a document type ends it.
/// Errors: it is too long, no XML, or no domain with a uuid.
/// Source: libvirt's docs/formatdomain; nova's LibvirtConfigGuestMetaNovaInstance; KubeVirt's
/// virtwrap/api, whose domains are called NAMESPACE_NAME.
Result<LibvirtDomain> read_domain_xml(std::string_view xml);

}  // namespace vmflow
