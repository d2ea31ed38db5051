// SPDX-License-Identifier: GPL-2.0-only
// Identities from a /proc that the tests write themselves.
#include "agent/sources/vm_inventory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/sources/proc_files.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0x1000};
const std::string kUuid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";

// The start time is the 22nd field of this file.
std::string stat_of(const std::string& comm, uint64_t start_ticks) {
  std::string stat = "100 (" + comm + ") S";
  for (int field = 4; field <= 21; field++) stat += " " + std::to_string(field);
  return stat + " " + std::to_string(start_ticks) + " 23 24 25\n";
}

std::string joined(const std::vector<std::string>& arguments) {
  std::string bytes;
  for (const auto& argument : arguments) bytes += argument + '\0';
  return bytes;
}

class Inventory : public testing::Test {
 protected:
  Inventory() { proc_.write("stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 5\n"); }

  void run(const std::vector<std::string>& arguments, uint64_t start_ticks,
           const std::string& comm = "qemu-system-x86") {
    proc_.write("100/stat", stat_of(comm, start_ticks));
    proc_.write("100/comm", comm + "\n");
    proc_.write("100/cmdline", joined(arguments));
  }
  void run_db(uint64_t start_ticks = 7) {
    run({"qemu-system-x86_64", "-name", "db", "-uuid", kUuid}, start_ticks);
  }
  VmInventory inventory() const { return VmInventory(proc_.path()); }

  TemporaryFolder proc_;
};

TEST_F(Inventory, a_process_tells_who_its_vm_is) {
  run_db(200);
  const auto identity = inventory().identify(kVm);
  EXPECT_EQ(identity.name, "db");
  EXPECT_EQ(identity.uuid, kUuid);
  EXPECT_EQ(identity.vmm, "qemu");
  EXPECT_EQ(identity.pid, 100u);
  EXPECT_EQ(identity.start_ticks, 200u);
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(identity.start_time_unix_seconds, 1'700'000'000 + 200 / ticks_per_second);
  EXPECT_TRUE(identity.alive);
}

TEST_F(Inventory, cgroups_hint_at_machine_pod_and_vmid) {
  run({"qemu-system-x86_64", "-name", "guest=shop_web-1,debug-threads=on"}, 7);
  proc_.write("100/cgroup", "0::/machine.slice/machine-qemu\\x2d1\\x2ddb.scope/emulator\n");
  EXPECT_EQ(inventory().identify(kVm).names, (GivenNames{.machine = "qemu-1-db"}));
  proc_.write("100/cgroup", "0::/qemu.slice/100.scope\n");
  EXPECT_EQ(inventory().identify(kVm).names, (GivenNames{.vmid = "100"}));
  proc_.write("100/cgroup", "0::/kubepods/pod" + kUuid + "/1\n");
  EXPECT_EQ(inventory().identify(kVm).names,
            (GivenNames{.kubevirt_namespace = "shop", .kubevirt_name = "web-1", .pod_uid = kUuid}));
}

TEST_F(Inventory, the_command_line_knows_the_vmid_better_than_the_cgroup) {
  run({"/usr/bin/kvm", "-id", "101", "-name", "a_b"}, 7);
  proc_.write("100/cgroup", "0::/qemu.slice/100.scope\n");
  EXPECT_EQ(inventory().identify(kVm).names, (GivenNames{.vmid = "101"}));
}

TEST_F(Inventory, a_vm_without_a_name_is_called_by_comm) {
  run({"/opt/vmm"}, 7, "my vmm");
  const auto identity = inventory().identify(kVm);
  EXPECT_EQ(identity.name, "my vmm");
  EXPECT_EQ(identity.vmm, "my vmm");
  EXPECT_EQ(identity.uuid, "");
}

TEST_F(Inventory, a_hostile_comm_does_not_hide_the_start_time) {
  for (const auto* comm : {")", "a) S 1 2", "(((", "a\nb", ") R 9 9 9 9 9 9 9 9 9 9 9 9"}) {
    run({"vmm"}, 7, comm);
    const auto identity = inventory().identify(kVm);
    EXPECT_EQ(identity.start_ticks, 7u) << comm;
    EXPECT_EQ(identity.name, comm);
  }
}

TEST_F(Inventory, a_process_that_is_gone_keeps_what_was_known) {
  run_db();
  auto inventory = this->inventory();
  inventory.identify(kVm);
  proc_.remove("100");
  const auto identity = inventory.identify(kVm);
  EXPECT_FALSE(identity.alive);
  EXPECT_EQ(identity.name, "db");
  EXPECT_EQ(identity.uuid, kUuid);
  EXPECT_EQ(identity.start_ticks, 7u);
}

TEST_F(Inventory, a_process_that_was_never_there_is_not_alive) {
  const auto identity = inventory().identify(kVm);
  EXPECT_FALSE(identity.alive);
  EXPECT_EQ(identity.pid, 100u);
  EXPECT_EQ(identity.name, "");
}

TEST_F(Inventory, a_pid_that_another_process_has_now_is_not_alive) {
  run_db(7);
  auto inventory = this->inventory();
  inventory.identify(kVm);
  run({"qemu-system-x86_64", "-name", "web"}, 9);
  const auto identity = inventory.identify(kVm);
  EXPECT_FALSE(identity.alive);
  EXPECT_EQ(identity.name, "db");
  EXPECT_EQ(identity.start_ticks, 7u);
}

TEST_F(Inventory, the_new_owner_of_a_pid_has_its_own_identity) {
  run_db(7);
  auto inventory = this->inventory();
  inventory.identify(kVm);
  run({"qemu-system-x86_64", "-name", "web"}, 9);
  const auto identity = inventory.identify({100, 0x2000});
  EXPECT_TRUE(identity.alive);
  EXPECT_EQ(identity.name, "web");
  EXPECT_EQ(inventory.identify(kVm).name, "db");
}

TEST_F(Inventory, a_process_is_read_once) {
  run_db();
  auto inventory = this->inventory();
  inventory.identify(kVm);
  run({"qemu-system-x86_64", "-name", "renamed"}, 7);
  EXPECT_EQ(inventory.identify(kVm).name, "db");
}

TEST_F(Inventory, a_process_not_asked_for_is_forgotten) {
  run_db(7);
  auto inventory = this->inventory();
  inventory.identify(kVm);
  inventory.forget_unused();  // asked for since the last time
  inventory.forget_unused();  // not asked for
  run({"qemu-system-x86_64", "-name", "web"}, 9);
  const auto identity = inventory.identify(kVm);
  EXPECT_TRUE(identity.alive);
  EXPECT_EQ(identity.name, "web");
}

TEST_F(Inventory, a_process_asked_for_every_time_is_not_forgotten) {
  run_db(7);
  auto inventory = this->inventory();
  for (int look = 0; look < 3; look++) {
    inventory.identify(kVm);
    inventory.forget_unused();
  }
  proc_.remove("100");
  EXPECT_EQ(inventory.identify(kVm).name, "db");
}

TEST_F(Inventory, files_that_cannot_be_read_leave_fields_empty) {
  proc_.write("100/stat", stat_of("vmm", 7));
  const auto identity = inventory().identify(kVm);
  EXPECT_TRUE(identity.alive);
  EXPECT_EQ(identity.name, "");
  EXPECT_EQ(identity.vmm, "");
}

// A VMM is caught between its fork and its exec: its own files come later.
TEST_F(Inventory, a_process_that_told_nothing_is_asked_again) {
  proc_.write("100/stat", stat_of("vmm", 7));
  auto inventory = this->inventory();
  inventory.identify(kVm);
  run_db(7);
  EXPECT_EQ(inventory.identify(kVm).name, "db");
}

TEST(ProcFiles, start_ticks_of_a_broken_stat_are_absent) {
  EXPECT_EQ(start_ticks_of(stat_of("vmm", 7)), 7u);
  EXPECT_EQ(start_ticks_of(""), std::nullopt);
  EXPECT_EQ(start_ticks_of("100 vmm S 1 2 3"), std::nullopt);
  EXPECT_EQ(start_ticks_of("100 (vmm) S 4 5 6 7 8"), std::nullopt);
}

TEST(ProcFiles, boot_time_that_is_not_told_is_0) {
  TemporaryFolder proc;
  EXPECT_EQ(boot_unix_seconds(proc.path()), 0);
  proc.write("stat", "cpu 1 2 3\n");
  EXPECT_EQ(boot_unix_seconds(proc.path()), 0);
  proc.write("stat", "cpu 1 2 3\nbtime 1700000000\n");
  EXPECT_EQ(boot_unix_seconds(proc.path()), 1'700'000'000);
}

TEST(ProcFiles, no_file_is_endless) {
  TemporaryFolder folder;
  const auto path = folder.write("long", std::string((1 << 20) + 5000, 'a'));
  EXPECT_EQ(read_proc_file(path), std::string(1 << 20, 'a'));
  EXPECT_EQ(read_proc_file(folder.path() + "/missing"), "");
  EXPECT_EQ(read_proc_file(folder.path()), "");  // a folder
}

}  // namespace
}  // namespace vmflow::test
