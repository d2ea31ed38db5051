// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/command_line.h"

#include <gtest/gtest.h>

#include <ostream>

namespace vmflow::test {
namespace {

using Arguments = std::vector<std::string>;

const std::string kUuid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";
const std::string kQemu = "/usr/bin/qemu-system-x86_64";

struct Case {
  std::string name;
  Arguments arguments;
  std::string comm;
  std::string vmm, vm_name, uuid;
  std::string vmid = "";
};

void PrintTo(const Case& one, std::ostream* os) {
  *os << one.name;
}

class CommandLine : public testing::TestWithParam<Case> {};

TEST_P(CommandLine, tells_what_the_vm_is_called) {
  const auto facts = read_command_line(GetParam().arguments, GetParam().comm);
  EXPECT_EQ(facts.vmm, GetParam().vmm);
  EXPECT_EQ(facts.name, GetParam().vm_name);
  EXPECT_EQ(facts.uuid, GetParam().uuid);
  EXPECT_EQ(facts.vmid, GetParam().vmid);
}

// One argument after QEMU's -name, and the name it gives.
Case qemu_name(const std::string& name, const std::string& value, const std::string& expected) {
  return {name, {kQemu, "-name", value}, "qemu", "qemu", expected, ""};
}

// One argument after QEMU's -uuid, and the uuid it gives.
Case qemu_uuid(const std::string& name, const std::string& value, const std::string& expected) {
  return {name, {kQemu, "-uuid", value}, "qemu", "qemu", "", expected};
}

INSTANTIATE_TEST_SUITE_P(
    QemuName, CommandLine,
    testing::Values(qemu_name("alone", "db", "db"),
                    qemu_name("alone_with_options", "db,process=x", "db"),
                    qemu_name("guest", "guest=db", "db"),
                    qemu_name("guest_with_debug_threads", "guest=db,debug-threads=on", "db"),
                    qemu_name("guest_after_another_option", "debug-threads=on,guest=db", "db"),
                    qemu_name("a_doubled_comma_is_one", "guest=a,,b,debug-threads=on", "a,b"),
                    qemu_name("a_doubled_comma_at_the_end", "guest=a,,", "a,"),
                    qemu_name("four_commas_are_two", "a,,,,b", "a,,b"),
                    qemu_name("three_commas_are_one_and_an_end", "a,,,b", "a,"),
                    qemu_name("no_doubled_comma_ends_the_name", "guest=a,b,,", "a"),
                    qemu_name("equals_sign_in_the_name", "guest=a=b", "a=b"),
                    qemu_name("only_an_option", "debug-threads=on", ""),
                    qemu_name("guest_empty", "guest=", ""), qemu_name("empty", "", ""),
                    qemu_name("spaces_and_utf8", "guest=Dä tä", "Dä tä")),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    QemuUuid, CommandLine,
    testing::Values(
        qemu_uuid("lower_case", kUuid, kUuid),
        qemu_uuid("upper_case", "5BF1A2AB-5F8D-4BA6-9D2C-D37A30FE1B20", kUuid),
        qemu_uuid("too_short", "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b2", ""),
        qemu_uuid("too_long", kUuid + "0", ""),
        qemu_uuid("no_hexadecimal", "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b2g", ""),
        qemu_uuid("dash_in_the_wrong_place", "5bf1a2a-b5f8d-4ba6-9d2c-d37a30fe1b20", ""),
        qemu_uuid("no_dashes", "5bf1a2ab05f8d04ba609d2c0d37a30fe1b20", ""),
        qemu_uuid("empty", "", ""),
        Case{"two_dashes", {kQemu, "--uuid", kUuid}, "", "qemu", "", kUuid},
        Case{"equals_sign_is_not_qemus", {kQemu, "--uuid=" + kUuid}, "", "qemu", "", ""}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Vmm, CommandLine,
    testing::Values(
        Case{"libvirt",
             {kQemu, "-name", "guest=db,debug-threads=on", "-S", "-uuid", kUuid, "-smbios",
              "type=1,manufacturer=x"},
             "qemu-system-x86",
             "qemu",
             "db",
             kUuid},
        Case{"proxmox",
             {"/usr/bin/kvm", "-id", "100", "-name", "db,debug-threads=on", "-smbios",
              "type=1,uuid=" + kUuid},
             "kvm",
             "qemu",
             "db",
             kUuid,
             "100"},
        Case{"proxmox_as_it_is_written",
             {"/usr/bin/kvm",
              "-id",
              "100",
              "-name",
              "db,debug-threads=on",
              "-no-shutdown",
              "-chardev",
              "socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on,wait=off",
              "-mon",
              "chardev=qmp,mode=control",
              "-pidfile",
              "/var/run/qemu-server/100.pid",
              "-daemonize",
              "-smbios",
              "type=1,uuid=" + kUuid,
              "-smp",
              "2,sockets=1",
              "-nodefaults",
              "-boot",
              "menu=on",
              "-vnc",
              "unix:/var/run/qemu-server/100.vnc,password=on"},
             "kvm",
             "qemu",
             "db",
             kUuid,
             "100"},
        Case{"uuid_before_smbios",
             {"kvm", "-uuid", kUuid, "-smbios", "uuid=00000000-0000-0000-0000-000000000000"},
             "kvm",
             "qemu",
             "",
             kUuid},
        Case{"red_hat", {"/usr/libexec/qemu-kvm", "-name", "db"}, "qemu-kvm", "qemu", "db", ""},
        Case{"firecracker",
             {"/usr/bin/firecracker", "--id", "vm-1"},
             "fc",
             "firecracker",
             "vm-1",
             ""},
        Case{"firecracker_equals", {"firecracker", "--id=vm-1"}, "fc", "firecracker", "vm-1", ""},
        Case{"firecracker_alone", {"firecracker"}, "firecracker", "firecracker", "", ""},
        Case{"cloud_hypervisor",
             {"/opt/cloud-hypervisor", "--cpus", "boot=2"},
             "cloud-hyperviso",
             "cloud-hypervisor",
             "",
             ""},
        Case{"firecracker_release",
             {"/srv/firecracker-v1.7.0-x86_64", "--id", "vm-1", "--start-time-us", "1"},
             "fc",
             "firecracker",
             "vm-1",
             ""},
        Case{"cloud_hypervisor_uuid",
             {"cloud-hypervisor-static", "--platform", "serial_number=x,uuid=" + kUuid, "--cmdline",
              "console=hvc0"},
             "ch",
             "cloud-hypervisor",
             "",
             kUuid},
        Case{"crosvm", {"crosvm", "run", "--name", "web"}, "crosvm", "crosvm", "web", ""},
        Case{"crosvm_uuid",
             {"crosvm", "run", "--name=a,b", "--smbios", "serial-number=1,uuid=" + kUuid},
             "crosvm",
             "crosvm",
             "a,b",
             kUuid},
        Case{"kvmtool", {"/usr/bin/lkvm", "run", "--name", "web"}, "lkvm", "lkvm", "web", ""},
        Case{"any_other_by_comm", {"/opt/my/vmm", "x"}, "my-vmm", "my-vmm", "", ""},
        Case{"any_other_by_its_program", {"/opt/my/vmm", "x"}, "", "vmm", "", ""}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Hostile, CommandLine,
    testing::Values(Case{"no_arguments", {}, "vmm", "vmm", "", ""},
                    Case{"nothing_at_all", {}, "", "", "", ""},
                    Case{"empty_arguments", {"", "", ""}, "vmm", "vmm", "", ""},
                    Case{"only_dashes", {kQemu, "-", "--", "---", "----"}, "q", "qemu", "", ""},
                    Case{
                        "the_last_wins", {kQemu, "-name", "a", "-name", "b"}, "q", "qemu", "b", ""},
                    Case{"value_missing", {kQemu, "-uuid", kUuid, "-name"}, "q", "qemu", "", kUuid},
                    Case{"options_that_begin_alike",
                         {kQemu, "-names", "a", "-uuids=" + kUuid},
                         "q",
                         "qemu",
                         "",
                         ""},
                    // Whoever owns the guest chooses its kernel's parameters.
                    Case{"kernel_parameters_like_an_option",
                         {kQemu, "-append", "-uuid", kUuid, "-name", "web"},
                         "q",
                         "qemu",
                         "web",
                         ""},
                    Case{"kernel_parameters_like_an_option_and_its_value",
                         {"crosvm", "run", "-p", "--name=evil", "--name", "web"},
                         "q",
                         "crosvm",
                         "web",
                         ""},
                    Case{"kernel_parameters_of_cloud_hypervisor",
                         {"cloud-hypervisor", "--cmdline", "--platform=uuid=" + kUuid},
                         "q",
                         "cloud-hypervisor",
                         "",
                         ""},
                    Case{"a_file_like_an_option",
                         {kQemu, "-drive", "-name", "-initrd", "-uuid", "-name", "web"},
                         "q",
                         "qemu",
                         "web",
                         ""},
                    Case{"a_kernel_like_an_option",
                         {kQemu, "-name", "web", "-kernel", "-name", "disk.img"},
                         "q",
                         "qemu",
                         "web",
                         ""},
                    Case{"switches_have_no_value",
                         {kQemu, "-S", "-name", "web", "-nodefaults", "-uuid", kUuid, "-enable-kvm",
                          "disk.img", "-id", "7"},
                         "q",
                         "qemu",
                         "web",
                         kUuid,
                         "7"},
                    Case{"vmid_that_is_none", {kQemu, "-id", "-1"}, "q", "qemu", "", ""},
                    Case{"vmid_too_long", {kQemu, "-id", "1234567890"}, "q", "qemu", "", ""},
                    Case{"a_program_that_begins_alike",
                         {"/bin/firecrackers", "--id", "x"},
                         "",
                         "firecrackers",
                         "",
                         ""},
                    Case{"the_word_without_dashes", {kQemu, "name", "a"}, "q", "qemu", "", ""},
                    Case{"program_is_no_option", {"-name", "a"}, "vmm", "vmm", "", ""},
                    Case{"four_kib_of_name",
                         {kQemu, "-name", std::string(4096, 'a')},
                         "q",
                         "qemu",
                         std::string(4096, 'a'),
                         ""},
                    Case{"four_kib_of_commas",
                         {kQemu, "-name", std::string(4096, ',')},
                         "q",
                         "qemu",
                         std::string(2048, ','),
                         ""},
                    Case{"program_is_a_folder", {"/usr/bin/"}, "vmm", "vmm", "", ""}),
    [](const auto& info) { return info.param.name; });

TEST(SplitCommandLine, splits_at_nul_bytes) {
  const auto split = [](const char* bytes, size_t size) {
    return split_command_line(std::string_view(bytes, size));
  };
  EXPECT_EQ(split("", 0), Arguments());
  EXPECT_EQ(split("a", 1), (Arguments{"a"}));
  EXPECT_EQ(split("a b", 3), (Arguments{"a b"}));
  EXPECT_EQ(split("a\0", 2), (Arguments{"a"}));
  EXPECT_EQ(split("a\0b\0", 4), (Arguments{"a", "b"}));
  EXPECT_EQ(split("a\0b", 3), (Arguments{"a", "b"}));
  EXPECT_EQ(split("a\0\0b\0", 5), (Arguments{"a", "", "b"}));
  EXPECT_EQ(split("\0\0", 2), (Arguments{"", ""}));
  EXPECT_EQ(split_command_line(std::string(4096, 'a')), (Arguments{std::string(4096, 'a')}));
}

}  // namespace
}  // namespace vmflow::test
