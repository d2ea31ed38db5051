// SPDX-License-Identifier: GPL-2.0-only
// Label lab: what vmflowd says when it cannot be right: one line, and a status that is not 0.
#include <gtest/gtest.h>

#include <fstream>

#include "figure.h"
#include "guest.h"

namespace vmflow::lab {
namespace {

/// Runs vmflowd, which must refuse with one line that holds `words`.
void expect_refusal(std::vector<std::string> command, const std::string& words) {
  const auto finished = run(command);
  figure("status {}: {}", finished.status, finished.err.substr(0, finished.err.find('\n')));
  EXPECT_NE(finished.status, 0);
  EXPECT_LT(finished.status, 126) << "not by a signal";
  EXPECT_NE(finished.err.find(words), std::string::npos) << finished.err;
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
  EXPECT_EQ(run({"bpftool", "prog", "show", "name", "on_kvm_exit"}).out, "") << "left behind";
}

std::string file_with(const std::string& text) {
  const std::string path = "/run/vmflow-test.json";
  std::ofstream(path) << text;
  return path;
}

std::vector<std::string> in_shell(const std::string& script) {
  return {"unshare", "--mount", "sh", "-c", script, "sh", vmflowd_path()};
}

}  // namespace

TEST(BadInput, flags_and_keys) {
  const auto agent = vmflowd_path();
  expect_refusal({agent, "--no-such-flag"}, "no-such-flag");
  expect_refusal({agent, "--max-vcpus", "many"}, "max-vcpus");
  expect_refusal({agent, "--max-vcpus", "0"}, "max-vcpus");
  expect_refusal({agent, "--web.listen-address", "nowhere"}, "web.listen-address");
  expect_refusal({agent, "--log.level", "loud"}, "log.level");
  expect_refusal({agent, "--config.file", "/does/not/exist"}, "/does/not/exist");
  expect_refusal({agent, "--config.file", file_with("{\"max-vcpu\": 3}")},
                 "unknown key 'max-vcpu'");
  expect_refusal({agent, "--config.file", file_with("{\"max-vcpus\": \"3\"}")}, "max-vcpus");
  expect_refusal({agent, "--config.file", file_with("{\"max-vcpus\": ")}, "not JSON");
}

TEST(BadInput, a_port_that_is_taken) {
  AgentProcess first;
  first.wait_until_ready();
  const auto second =
      run({vmflowd_path(), "--web.listen-address", "127.0.0.1:" + std::to_string(first.port())});
  figure("status {}: {}", second.status, second.err.substr(second.err.find("vmflowd: cannot")));
  EXPECT_NE(second.status, 0);
  EXPECT_NE(second.err.find("cannot listen on 127.0.0.1"), std::string::npos) << second.err;
  EXPECT_EQ(first.status_of("/metrics"), 200) << "the first one goes on";
}

TEST(BadInput, no_root_and_no_capability) {
  const std::string words = "CAP_BPF and CAP_PERFMON";
  expect_refusal(
      {"setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", vmflowd_path()}, words);
  expect_refusal({"setpriv", "--bounding-set=-all", "--inh-caps=-all", vmflowd_path()}, words);
}

TEST(BadInput, no_btf_and_no_tracepoint) {
  expect_refusal(in_shell("mount -t tmpfs none /sys/kernel/btf && exec \"$1\""),
                 "CONFIG_DEBUG_INFO_BTF=y");
  // Without the BTF of kvm itself its tracepoints are unknown.
  expect_refusal(
      in_shell(
          "mkdir -p /run/btf && cp /sys/kernel/btf/vmlinux /sys/kernel/btf/kvm_amd /run/btf && "
          "mount --bind /run/btf /sys/kernel/btf && exec \"$1\""),
      "tracepoint kvm_entry");
}

}  // namespace vmflow::lab
