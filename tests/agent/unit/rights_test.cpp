// SPDX-License-Identifier: GPL-2.0-only
// Rights as the kernel tells them, and what is refused once they are given up. Each part that
// cannot be taken back runs in a child.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <stdexcept>
#include <thread>

#include "agent/rights/capabilities.h"
#include "agent/rights/own_rights.h"
#include "agent/rights/own_user.h"
#include "agent/rights/privileged_thread.h"
#include "agent/rights/system_call_filter.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

/// Runs `body` in a child: 0 if it is right, else what it says is wrong.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

std::string status_of(const std::string& uid, const std::string& permitted, int filter) {
  return "Name:\tvmflowd\nUid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid +
         "\nCapInh:\t0000000000000000\nCapPrm:\t" + permitted + "\nCapEff:\t" + permitted +
         "\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t" +
         std::to_string(filter) + "\n";
}

bool is_held(const RightsFlow& rights, const std::string& name) {
  for (const auto& one : rights.capabilities)
    if (one.name == name) return one.held;
  ADD_FAILURE() << name << " is not there";
  return false;
}

bool is_refused(long result) {
  return result == -1 && errno == EPERM;
}

// What must be refused; which of them is not, counted from 1.
int first_allowed() {
  union bpf_attr load {};
  int place = 0;
  const auto refuse = [&place](long result) { return place++, is_refused(result); };
  if (!refuse(execl("/bin/true", "true", nullptr))) return place;
  if (!refuse(socket(AF_NETLINK, SOCK_RAW, 0))) return place;
  if (!refuse(socket(AF_PACKET, SOCK_RAW, 0))) return place;
  if (!refuse(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)))) return place;
  if (!refuse(syscall(SYS_bpf, BPF_MAP_CREATE, &load, sizeof(load)))) return place;
  if (!refuse(unshare(CLONE_NEWUSER))) return place;
  if (!refuse(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0))) return place;
  if (!refuse(syscall(SYS_ptrace, 0, 0, 0, 0))) return place;
  if (!refuse(syscall(SYS_mount, "none", "/", "tmpfs", 0, nullptr))) return place;
  if (!refuse(syscall(SYS_setuid, getuid()))) return place;
  if (!refuse(syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0))) return place;
  if (!refuse(syscall(SYS_io_uring_setup, 1, nullptr))) return place;
  void* both =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!refuse(both == MAP_FAILED ? -1 : 0)) return place;
  void* code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!refuse(code == MAP_FAILED ? -1 : 0)) return place;
  const int file = open("/proc/self/exe", O_RDONLY);
  void* changed = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, file, 0);
  if (!refuse(changed == MAP_FAILED ? -1 : 0)) return place;
  void* data = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED || !refuse(mprotect(data, 4096, PROT_READ | PROT_EXEC))) return place;
  return 0;
}

// What must work; which of them does not, counted from 1.
int first_forbidden() {
  bool ran = false;
  std::thread([&ran] { ran = true; }).join();
  if (!ran) return 1;
  const pid_t child = fork();
  if (child == 0) _exit(7);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7) return 2;
  if (socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_UNIX, SOCK_STREAM, 0) < 0) return 3;
  if (open("/proc/self/status", O_RDONLY) < 0) return 4;
  // A plugin of babeltrace2 is loaded so.
  if (dlopen("libz.so.1", RTLD_NOW) == nullptr) return 5;
  return 0;
}

}  // namespace

TEST(Rights, a_capability_of_one_thread_is_held_by_the_process) {
  const TemporaryFolder process;
  //                                            bpf and perfmon
  process.write("task/10/status", status_of("65534", "0000000000000000", 2));
  process.write("task/11/status", status_of("65534", "000000c000000000", 2));
  const auto rights = read_rights(process.path());
  ASSERT_TRUE(rights) << rights.error().message;
  EXPECT_TRUE(is_held(*rights, "bpf"));
  EXPECT_TRUE(is_held(*rights, "perfmon"));
  EXPECT_FALSE(is_held(*rights, "syslog"));
  EXPECT_EQ(rights->capabilities.size(), capabilities_to_attach().size());
  EXPECT_TRUE(rights->unprivileged_user);
  EXPECT_TRUE(rights->no_new_privs);
  EXPECT_TRUE(rights->system_call_filter);
  EXPECT_EQ(rights_text(*rights),
            "capabilities: cap_bpf cap_perfmon; no_new_privs: on; system calls: filtered; user: "
            "unprivileged");
}

TEST(Rights, a_limit_that_one_thread_lacks_is_none) {
  const TemporaryFolder process;
  process.write("task/10/status", status_of("65534", "0000000000000000", 2));
  process.write("task/11/status", status_of("0", "0000000000000000", 0));
  const auto rights = read_rights(process.path());
  ASSERT_TRUE(rights) << rights.error().message;
  EXPECT_FALSE(rights->unprivileged_user);
  EXPECT_FALSE(rights->system_call_filter);
}

TEST(Rights, a_capability_that_nobody_expects_is_told) {
  const TemporaryFolder process;
  process.write("task/10/status", status_of("65534", "0000000000000001", 0));
  const auto rights = read_rights(process.path());
  ASSERT_TRUE(rights) << rights.error().message;
  EXPECT_TRUE(is_held(*rights, "chown"));
}

TEST(Rights, without_a_status_nothing_is_said) {
  const TemporaryFolder process;
  EXPECT_FALSE(read_rights(process.path()));
  process.write("task/10/status", "Name:\tvmflowd\n");
  EXPECT_FALSE(read_rights(process.path()));
}

TEST(Rights, of_this_process_are_read) {
  const auto rights = read_rights("/proc/self");
  ASSERT_TRUE(rights) << rights.error().message;
  EXPECT_EQ(rights->unprivileged_user, geteuid() != 0);
}

TEST(Rights, what_is_given_up_is_gone_for_the_threads_after_it) {
  EXPECT_EQ(
      in_child([] {
        if (!keep_only({})) return 1;
        bool holds = true;
        std::thread([&holds] { holds = is_permitted(CAP_BPF) || is_permitted(CAP_KILL); }).join();
        return holds ? 2 : 0;
      }),
      0);
}

TEST(Rights, sys_admin_is_never_kept_while_kvm_is_waited_for) {
  const auto kept = capabilities_to_keep(false);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), CAP_SYS_ADMIN), 0);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), CAP_BPF), 1);
}

TEST(Rights, an_account_that_is_not_there_is_no_user) {
  const auto user = user_to_become("no-such-account");
  ASSERT_FALSE(user);
  EXPECT_NE(user.error().message.find("no-such-account"), std::string::npos);
}

TEST(Rights, work_is_done_by_the_privileged_thread_until_it_ends) {
  PrivilegedThread thread;
  std::thread::id first, second, after;
  thread.run([&] { first = std::this_thread::get_id(); });
  thread.run([&] { second = std::this_thread::get_id(); });
  EXPECT_NE(first, std::this_thread::get_id());
  EXPECT_EQ(first, second);
  EXPECT_THROW(thread.run([] { throw std::runtime_error("no"); }), std::runtime_error);
  thread.end();
  thread.end();
  thread.run([&] { after = std::this_thread::get_id(); });
  EXPECT_EQ(after, std::this_thread::get_id());
}

TEST(SystemCallFilter, refuses_what_a_program_that_was_taken_over_would_do) {
  EXPECT_EQ(in_child([] {
              prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              return filter_system_calls() ? first_allowed() : 100;
            }),
            0);
}

TEST(SystemCallFilter, lets_threads_children_sockets_files_and_plugins_be) {
  EXPECT_EQ(in_child([] {
              prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              return filter_system_calls() ? first_forbidden() : 100;
            }),
            0);
}

TEST(SystemCallFilter, holds_for_threads_that_were_there_before) {
  EXPECT_EQ(in_child([] {
              prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              PrivilegedThread before;
              before.run([] {});
              if (!filter_system_calls()) return 100;
              bool refused = false;
              before.run([&refused] { refused = is_refused(unshare(CLONE_NEWUSER)); });
              return refused ? 0 : 1;
            }),
            0);
}

}  // namespace vmflow::test
