// SPDX-License-Identifier: GPL-2.0-only
// Domains of libvirt, and which VM each one is.
#pragma once

#include <map>
#include <string>

#include "analysis/snapshot.h"

namespace vmflow {

struct LibvirtDomain {
  std::string uuid;  ///< lower case, 8-4-4-4-12
  std::string name;
  GivenNames names = {};
  bool operator==(const LibvirtDomain&) const = default;
};

/// Adds to each identity what libvirt tells of its domain: the one whose uuid and whose name are on
/// the command line of the QEMU process, if no other living process has both. Nothing is guessed:
/// without a uuid, with another name, or with two such processes a VM gets nothing.
/// Shape: `domains` by uuid.
void add_domains(const std::map<std::string, LibvirtDomain>& domains,
                 std::map<VmKey, VmIdentity>& identities);

}  // namespace vmflow
