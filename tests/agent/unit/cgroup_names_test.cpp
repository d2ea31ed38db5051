// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/cgroup_names.h"

#include <gtest/gtest.h>

#include <ostream>

namespace vmflow::test {
namespace {

const std::string kUid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";
const std::string kUidInUnit = "5bf1a2ab_5f8d_4ba6_9d2c_d37a30fe1b20";
const std::string kHash = "0123456789abcdef0123456789abcdef";

struct Case {
  std::string name;
  std::string file;
  std::string machine, pod_uid, vmid;
};

void PrintTo(const Case& one, std::ostream* os) {
  *os << one.name;
}

class Cgroup : public testing::TestWithParam<Case> {};

TEST_P(Cgroup, hints_at_the_vm) {
  const auto names = read_cgroup(GetParam().file);
  EXPECT_EQ(names.machine, GetParam().machine);
  EXPECT_EQ(names.pod_uid, GetParam().pod_uid);
  EXPECT_EQ(names.vmid, GetParam().vmid);
}

INSTANTIATE_TEST_SUITE_P(
    Told, Cgroup,
    testing::Values(
        Case{"machined", "0::/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator\n",
             "qemu-1-web", "", ""},
        Case{"a_name_with_bytes", "0::/machine.slice/machine-qemu\\x2d1\\x2d\\xc3\\xa9.scope\n",
             "qemu-1-\u00e9", "", ""},
        Case{"libvirt_without_systemd", "0::/machine/qemu-1-web.libvirt-qemu/emulator\n",
             "qemu-1-web", "", ""},
        Case{"version_1",
             "12:pids:/\n5:cpu,cpuacct:/machine.slice/machine-qemu\\x2d2\\x2ddb.scope/emulator\n"
             "1:name=systemd:/machine.slice/machine-qemu\\x2d2\\x2ddb.scope\n",
             "qemu-2-db", "", ""},
        Case{"pod_of_systemd",
             "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidInUnit +
                 ".slice/cri-containerd-1.scope\n",
             "", kUid, ""},
        Case{"guaranteed_pod_of_systemd",
             "0::/kubepods.slice/kubepods-pod" + kUidInUnit + ".slice/crio-1.scope\n", "", kUid,
             ""},
        Case{"pod_of_cgroupfs", "0::/kubepods/besteffort/pod" + kUid + "/1\n", "", kUid, ""},
        Case{"pod_from_a_file", "0::/kubepods/besteffort/pod" + kHash + "/1\n", "", kHash, ""},
        Case{"pod_seen_from_a_container", "0::/../../kubepods/pod" + kUid + "/1\n", "", kUid, ""},
        Case{"proxmox", "0::/qemu.slice/100.scope\n", "", "", "100"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Hostile, Cgroup,
    testing::Values(
        Case{"nothing", "", "", "", ""}, Case{"newlines", "\n\n\n", "", "", ""},
        Case{"no_colon", "/machine.slice/machine-a.scope", "", "", ""},
        Case{"one_colon", "0:/machine-a.scope", "", "", ""}, Case{"root", "0::/\n", "", "", ""},
        Case{"slashes", "0::////////\n", "", "", ""},
        Case{"no_name", "0::/machine-.scope\n", "", "", ""},
        Case{"no_plain_name", "0::/.libvirt-qemu\n", "", "", ""},
        Case{"cut_escapes", "0::/machine-a\\x2\\x\\\\xzz\\x-1.scope\n", "a\\x2\\x\\\\xzz\\x/1", "",
             ""},
        Case{"a_nul_by_escape", "0::/machine-a\\x00b.scope\n", std::string("a\0b", 3), "", ""},
        Case{"a_user_below_its_own_slice", "0::/user.slice/100.scope\n", "", "", ""},
        Case{"vmid_that_is_none", "0::/qemu.slice/1e3.scope\n", "", "", ""},
        Case{"vmid_too_long", "0::/qemu.slice/1234567890.scope\n", "", "", ""},
        Case{"pod_outside_of_kubepods", "0::/user.slice/pod" + kUid + "/1\n", "", "", ""},
        Case{"pod_that_is_none", "0::/kubepods/pod../1\n", "", "", ""},
        Case{"the_first_machine", "0::/machine-a.scope/machine-b.scope\n", "a", "", ""}),
    [](const auto& info) { return info.param.name; });

TEST(Cgroup, a_long_file_takes_no_time) {
  std::string file;
  while (file.size() < 1 << 20) file += "0::/a/machine-/pod/.scope/\\x\n";
  EXPECT_EQ(read_cgroup(file).machine, "");
}

}  // namespace
}  // namespace vmflow::test
