// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/libvirt_domain.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

const std::string kUuid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";

VmIdentity qemu(const std::string& uuid = kUuid, const std::string& name = "web") {
  VmIdentity identity;
  identity.vmm = "qemu";
  identity.name = name;
  identity.uuid = uuid;
  return identity;
}

const std::map<std::string, LibvirtDomain> kDomains = {
    {kUuid, {kUuid, "web", {.title = "Shop", .machine = {}}}}};

std::vector<std::string> titles(std::map<VmKey, VmIdentity> identities) {
  add_domains(kDomains, identities);
  std::vector<std::string> titles;
  for (const auto& [vm, identity] : identities) titles.push_back(identity.names.title);
  return titles;
}

using Titles = std::vector<std::string>;

TEST(LibvirtDomain, is_the_vm_with_its_uuid_and_name) {
  EXPECT_EQ(titles({{{100, 1}, qemu()}, {{200, 1}, qemu("", "db")}}), (Titles{"Shop", ""}));
}

TEST(LibvirtDomain, is_not_guessed_by_half) {
  EXPECT_EQ(titles({{{100, 1}, qemu("", "web")}}), Titles{""});
  EXPECT_EQ(titles({{{100, 1}, qemu(kUuid, "db")}}), Titles{""});
  auto other = qemu();
  other.vmm = "crosvm";
  EXPECT_EQ(titles({{{100, 1}, other}}), Titles{""});
}

// Whoever may start a QEMU may say that it is somebody else's.
TEST(LibvirtDomain, is_neither_of_two_processes_that_claim_it) {
  EXPECT_EQ(titles({{{100, 1}, qemu()}, {{200, 1}, qemu()}}), (Titles{"", ""}));
  EXPECT_EQ(titles({{{100, 1}, qemu()}, {{200, 1}, qemu(kUuid, "db")}}), (Titles{"Shop", ""}));
}

TEST(LibvirtDomain, is_the_new_process_of_a_vm_whose_old_one_is_gone) {
  auto gone = qemu();
  gone.alive = false;
  EXPECT_EQ(titles({{{100, 1}, gone}, {{200, 1}, qemu()}}), (Titles{"Shop", "Shop"}));
}

TEST(LibvirtDomain, all_vms_of_its_process_are_it) {
  EXPECT_EQ(titles({{{100, 1}, qemu()}, {{100, 2}, qemu()}}), (Titles{"Shop", "Shop"}));
}

TEST(LibvirtDomain, leaves_what_the_cgroup_has_told) {
  auto identity = qemu();
  identity.names.machine = "qemu-1-web";
  std::map<VmKey, VmIdentity> identities = {{{100, 1}, identity}};
  add_domains(kDomains, identities);
  EXPECT_EQ((identities[{100, 1}].names), (GivenNames{.title = "Shop", .machine = "qemu-1-web"}));
}

TEST(GivenNames, of_kubevirt_are_split_where_no_name_can_have_an_underscore) {
  using Split = std::optional<std::pair<std::string, std::string>>;
  EXPECT_EQ(split_kubevirt_name("shop_web-1"), Split({"shop", "web-1"}));
  for (const auto* other : {"", "_", "shop", "shop_", "_web", "a_b_c", "Shop_web", "a b_c", "a_\n"})
    EXPECT_EQ(split_kubevirt_name(other), Split()) << other;
  EXPECT_EQ(split_kubevirt_name("a_" + std::string(300, 'b')), Split());
}

}  // namespace
}  // namespace vmflow::test
