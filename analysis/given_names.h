// SPDX-License-Identifier: GPL-2.0-only
// What others call a VM, beside the name on its command line. Shown, never used to tell VMs apart.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace vmflow {

/// Empty where nothing tells. Tenants choose some of these texts.
struct GivenNames {
  std::string title = {};           ///< of the libvirt domain
  std::string openstack_name = {};  ///< in the domain's metadata, as the next three
  std::string openstack_project = {};
  std::string openstack_user = {};
  std::string openstack_flavor = {};
  std::string kubevirt_namespace = {};  ///< of the VirtualMachineInstance
  std::string kubevirt_name = {};
  std::string kubevirt_uid = {};
  std::string pod_uid = {};  ///< of the Kubernetes pod whose cgroup the process is in
  std::string vmid = {};     ///< of Proxmox
  std::string machine = {};  ///< as systemd-machined, or libvirt without it, calls the cgroup
  bool operator==(const GivenNames&) const = default;
};

struct GivenName {
  std::string_view label;
  std::string GivenNames::*text;
};

/// All of them, in the order in which they are shown.
inline constexpr std::array<GivenName, 11> kGivenNames = {{
    {"title", &GivenNames::title},
    {"openstack_name", &GivenNames::openstack_name},
    {"openstack_project", &GivenNames::openstack_project},
    {"openstack_user", &GivenNames::openstack_user},
    {"openstack_flavor", &GivenNames::openstack_flavor},
    {"kubevirt_namespace", &GivenNames::kubevirt_namespace},
    {"kubevirt_name", &GivenNames::kubevirt_name},
    {"kubevirt_uid", &GivenNames::kubevirt_uid},
    {"pod_uid", &GivenNames::pod_uid},
    {"vmid", &GivenNames::vmid},
    {"machine", &GivenNames::machine},
}};

/// Each text as it may be shown: see sanitise().
GivenNames shown_names(const GivenNames& names);

/// Namespace and name of what KubeVirt calls NAMESPACE_NAME: no Kubernetes name has an underscore.
std::optional<std::pair<std::string, std::string>> split_kubevirt_name(std::string_view domain);

}  // namespace vmflow
