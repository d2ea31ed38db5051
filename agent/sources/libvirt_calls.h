// SPDX-License-Identifier: GPL-2.0-only
// libvirt's library, found when it is needed: a host without it runs the same agent.
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "agent/result.h"

namespace vmflow {

struct LibvirtCalls {
  decltype(&virInitialize) initialize = nullptr;
  decltype(&virSetErrorFunc) set_error_function = nullptr;
  decltype(&virGetLastErrorMessage) last_error = nullptr;
  decltype(&virConnectOpenReadOnly) open_read_only = nullptr;
  decltype(&virConnectListAllDomains) list_domains = nullptr;
  decltype(&virDomainGetUUIDString) uuid = nullptr;
  decltype(&virDomainGetXMLDesc) xml = nullptr;
  decltype(&virDomainFree) free_domain = nullptr;
};

/// Loads libvirt.so.0, for good. Errors: it is not there, or it is older than 1.0.6.
Result<LibvirtCalls> load_libvirt();

}  // namespace vmflow
