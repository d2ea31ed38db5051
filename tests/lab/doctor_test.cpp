// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng and --no-kvm: vmflow doctor on a host on which things are missing one by
// one. Its remedies are run as they are printed.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent_process.h"
#include "figure.h"
#include "lttng_daemon.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

using Json = nlohmann::json;

struct Answer {
  int status = 0;
  Json json;

  Json row(const std::string& id) const {
    for (const auto& check : json.at("checks"))
      if (check.at("id") == id) return check;
    throw std::runtime_error("no row " + id);
  }
  std::string state(const std::string& id) const { return row(id).at("state"); }
};

Answer doctor(std::vector<std::string> flags = {"--no-agent"}) {
  flags.insert(flags.begin(), {vmflow_path(), "doctor", "--json"});
  const auto ran = run(flags);
  if (ran.status > 1) throw std::runtime_error(ran.err);
  return {ran.status, Json::parse(ran.out)};
}

/// Runs the remedy of row `id` as somebody would who has copied it.
void mend(const std::string& id, const std::vector<std::string>& flags = {"--no-agent"}) {
  const auto row = doctor(flags).row(id);
  ASSERT_NE(row.at("state"), "ok") << id;
  ASSERT_TRUE(row.at("remedy").is_string()) << row.dump();
  const std::string remedy = row.at("remedy");
  figure("{}: {} ({}): {}", id, std::string(row.at("state")), std::string(row.at("found")), remedy);
  const auto ran = run({"sh", "-c", remedy});
  ASSERT_EQ(ran.status, 0) << remedy << ": " << ran.err;
  EXPECT_EQ(doctor(flags).state(id), "ok") << id << ": " << remedy;
}

void set(const std::string& file, const std::string& value) {
  std::ofstream(file) << value << '\n';
}

}  // namespace

/// First: it loads KVM for the tests after it.
TEST(Doctor, modprobe_is_what_mends_a_host_without_kvm) {
  const auto before = doctor();
  EXPECT_EQ(before.status, 1);
  EXPECT_EQ(before.json.at("fit"), false);
  EXPECT_EQ(before.row("kvm").at("remedy"), "modprobe kvm_amd");
  mend("kvm");
  const auto after = doctor();
  EXPECT_EQ(after.status, 0) << after.json.dump(2);
  EXPECT_EQ(after.state("kvm_btf"), "ok");
  EXPECT_EQ(after.state("tracepoints"), "ok");
  EXPECT_EQ(after.state("kvm_device"), "ok");
}

TEST(Doctor, settings_of_the_kernel_are_mended_by_what_it_prints) {
  set("/proc/sys/kernel/sched_schedstats", "0");
  set("/proc/sys/kernel/task_delayacct", "0");
  set("/proc/sys/kernel/kptr_restrict", "2");
  run({"umount", "/sys/kernel/debug/tracing"});
  run({"umount", "/sys/kernel/tracing"});
  run({"umount", "/sys/kernel/security"});
  must({"mount", "-o", "remount,hidepid=2", "/proc"});
  EXPECT_EQ(doctor().status, 0) << "none of these is required";
  for (const auto* id :
       {"schedstats", "delay_accounting", "addresses", "tracefs", "lockdown", "hidepid"})
    mend(id);
}

TEST(Doctor, starts_lttngs_daemon_by_what_it_prints) {
  EXPECT_EQ(doctor().state("lttng_daemon"), "missing");
  EXPECT_EQ(doctor().state("lttng_modules"), "missing");
  mend("lttng_modules");
  mend("lttng_daemon");
  if (doctor().state("lttng_probes") != "ok") mend("lttng_probes");
  EXPECT_NE(doctor().row("lttng_modules").at("found").get<std::string>().find("2.13"),
            std::string::npos);
  must({"sh", "-c", "kill $(cat /run/lttng/lttng-sessiond.pid)"});
}

TEST(Doctor, tells_a_running_agent_from_none_and_from_one_that_hangs) {
  AgentProcess agent;
  const auto url = "http://127.0.0.1:" + std::to_string(agent.port());
  agent.wait_until_ready();
  const auto well = doctor({"--agent", url});
  EXPECT_EQ(well.status, 0) << well.json.dump(2);
  for (const auto* id :
       {"agent", "agent_attached", "agent_version", "agent_collectors", "agent_losses"})
    EXPECT_EQ(well.state(id), "ok") << well.row(id).dump();
  EXPECT_EQ(well.row("kvm_in_use").at("found"),
            "vmflowd is attached: the module kvm cannot be unloaded until it ends");
  EXPECT_NE(run({"rmmod", "kvm_amd", "kvm"}).status, 0) << "kvm was unloaded";
  run({"modprobe", "kvm_amd"});

  agent.process().signal(SIGSTOP);
  const Stopwatch watch;
  const auto hung = doctor({"--agent", url});
  figure("an agent that hangs: {:.1f} s", watch.seconds());
  EXPECT_LT(watch.seconds(), 30);
  EXPECT_EQ(hung.status, 1);
  EXPECT_EQ(hung.state("agent"), "missing");
  agent.process().signal(SIGCONT);
  agent.stop();
}

TEST(Doctor, starts_the_agent_by_what_it_prints) {
  const auto none = doctor({});
  EXPECT_EQ(none.status, 1);
  EXPECT_EQ(none.state("agent"), "missing");
  const std::string remedy = none.row("agent").at("remedy");
  Process started({"sh", "-c", remedy + "\nread line; kill $!; wait"});
  const Stopwatch watch;
  while (doctor({}).status != 0 && watch.seconds() < 60)
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(doctor({}).status, 0) << doctor({}).json.dump(2);
  started.write("end\n", true);
  started.wait();
}

TEST(Doctor, text_is_for_people_and_json_for_programs) {
  const auto text = run({vmflow_path(), "doctor", "--no-agent"});
  figure("{}", text.out);
  EXPECT_TRUE(text.out.starts_with("This host has everything that vmflow needs"));
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos) << "this is no terminal";
}

}  // namespace vmflow::lab
