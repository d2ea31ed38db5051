// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/libvirt_domain.h"

#include <set>

#include "analysis/vm_label.h"

namespace vmflow {
namespace {

const LibvirtDomain* domain_of(const std::map<std::string, LibvirtDomain>& domains,
                               const VmIdentity& identity) {
  if (identity.vmm != "qemu" || identity.uuid.empty()) return nullptr;
  const auto domain = domains.find(identity.uuid);
  if (domain == domains.end()) return nullptr;
  return sanitise(domain->second.name) == sanitise(identity.name) ? &domain->second : nullptr;
}

}  // namespace

void add_domains(const std::map<std::string, LibvirtDomain>& domains,
                 std::map<VmKey, VmIdentity>& identities) {
  // By domain: the processes that say that they are it.
  std::map<const LibvirtDomain*, std::set<uint32_t>> claims;
  for (const auto& [vm, identity] : identities)
    if (const auto* domain = domain_of(domains, identity); domain != nullptr && identity.alive)
      claims[domain].insert(vm.tgid);
  for (auto& [vm, identity] : identities) {
    const auto* domain = domain_of(domains, identity);
    if (domain == nullptr || claims[domain].size() > 1) continue;
    for (const auto& field : kGivenNames)
      if (const auto& text = domain->names.*field.text; !text.empty())
        identity.names.*field.text = text;
  }
}

}  // namespace vmflow
