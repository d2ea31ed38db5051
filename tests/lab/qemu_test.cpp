// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a QEMU guest, asked through QMP which thread runs which vCPU, and names that are
// hostile.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "figure.h"
#include "guest.h"

namespace vmflow::lab {
namespace {

/// QEMU's monitor protocol over its unix socket: one JSON object per line.
class Qmp {
 public:
  explicit Qmp(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    for (int attempt = 0; attempt < 200; attempt++) {
      socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
        line();
        ask("qmp_capabilities");
        return;
      }
      close(socket_);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    throw std::runtime_error("QEMU has no monitor at " + path);
  }
  ~Qmp() { close(socket_); }

  Json ask(const std::string& command) {
    const auto request = Json{{"execute", command}}.dump() + "\n";
    if (write(socket_, request.data(), request.size()) < 0)
      throw std::runtime_error("QMP is closed");
    for (;;) {
      const auto answer = Json::parse(line());
      if (answer.contains("return")) return answer["return"];
      if (answer.contains("event")) note(answer);
    }
  }

  /// When the last `event` happened, by QEMU's own clock; waits for it. Units: seconds.
  double time_of(const std::string& event) {
    while (!events_.contains(event)) note(Json::parse(line()));
    return events_.at(event);
  }
  void forget_events() { events_.clear(); }

 private:
  void note(const Json& message) {
    if (!message.contains("event")) return;
    const auto& at = message["timestamp"];
    events_[message["event"]] =
        at["seconds"].get<double>() + at["microseconds"].get<double>() / 1e6;
  }
  std::string line() {
    std::string text;
    for (char c = 0; read(socket_, &c, 1) == 1;) {
      if (c == '\n') return text;
      text += c;
    }
    throw std::runtime_error("QMP is closed");
  }
  int socket_ = -1;
  std::map<std::string, double> events_;
};

std::vector<std::string> qemu(std::vector<std::string> more) {
  std::vector<std::string> command = {
      "qemu-system-x86_64", "-accel", "kvm",        "-cpu", "host", "-m", "64",
      "-display",           "none",   "-nodefaults"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

std::map<std::string, std::string> threads_on(const Page& page, const std::string& vm) {
  std::map<std::string, std::string> threads;
  for (const auto& info : page.find("vmflow_vcpu_info", {{"vm", vm}}))
    threads[info.labels.at("vcpu")] = info.labels.at("tid");
  return threads;
}

std::map<std::string, std::string> threads_by_qmp(Qmp& qmp) {
  std::map<std::string, std::string> threads;
  for (const auto& cpu : qmp.ask("query-cpus-fast"))
    threads[std::to_string(cpu["cpu-index"].get<int>())] =
        std::to_string(cpu["thread-id"].get<int>());
  return threads;
}

}  // namespace

TEST(Qemu, threads_and_vcpus_are_those_of_query_cpus_fast) {
  const std::string uuid = "2f6a8a1e-7c3b-4f3a-9d55-0c8e6a1b2c3d";
  AgentProcess before({"--collector.vcpu.per-vcpu"});
  before.wait_until_ready();
  Process guest(qemu({"-smp", "3", "-name", "guest=web-1,debug-threads=on", "-uuid", uuid, "-qmp",
                      "unix:/run/qmp,server=on,wait=off"}));
  Qmp qmp("/run/qmp");
  std::this_thread::sleep_for(std::chrono::seconds(4));  // the BIOS wakes every vCPU
  AgentProcess after({"--collector.vcpu.per-vcpu"});
  after.wait_until_ready();
  const auto truth = threads_by_qmp(qmp);
  for (auto* agent : {&before, &after}) {
    const auto page = agent->scrape();
    figure("agent {} QEMU: {} of {} vCPUs", agent == &before ? "before" : "after",
           threads_on(page, uuid).size(), truth.size());
    EXPECT_EQ(threads_on(page, uuid), truth);
    EXPECT_TRUE(page.has("vmflow_vm_info", {{"vm", uuid}, {"name", "web-1"}, {"vmm", "qemu"}}));
  }
  // STOP to RESUME, on every vCPU.
  const auto paused = [&] { return times_of(before.scrape(), uuid).state.at("paused"); };
  const double at_first = paused();
  qmp.forget_events();
  qmp.ask("stop");
  EXPECT_EQ(threads_on(before.scrape(), uuid), truth);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  qmp.ask("cont");
  const double stopped = qmp.time_of("RESUME") - qmp.time_of("STOP");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double grown = paused() - at_first;
  figure("QMP stop to cont {:.3f} s: paused {:.3f} s on {} vCPUs", stopped, grown, truth.size());
  EXPECT_NEAR(grown, static_cast<double>(truth.size()) * stopped, 0.05 * truth.size());
}

TEST(Names, that_a_tenant_chose_harm_nothing) {
  AgentProcess agent;
  agent.wait_until_ready();
  std::string accents, expected;
  for (int i = 0; i < 2048; i++) accents += "\u00e9";  // 4 KiB
  const std::vector<std::pair<std::string, std::string>> names = {
      {"quo\"te\\", "quo\"te\\"},
      {"two\nlines", "two\nlines"},
      {"gr\u00fc\u00df \u2603 \U0001f600", "gr\u00fc\u00df \u2603 \U0001f600"},
      {"bell\a\x1b[31m", "bell\ufffd\ufffd[31m"},
      {"not\xff utf\xc3", "not\ufffd utf\ufffd"},
      {accents, accents.substr(0, 256)},
      {"vm=\"x\"} 1\nvmflow_vms 99", "vm=\"x\"} 1\nvmflow_vms 99"},
  };
  for (const auto& [name, shown] : names) {
    Guest guest({"cpuid", "--count", "11", "-name", "guest=" + name});
    guest.truth();
    const auto page = agent.scrape();
    const auto info = page.find("vmflow_vm_info", {{"pid", std::to_string(guest.pid())}});
    ASSERT_EQ(info.size(), 1u);
    EXPECT_EQ(info[0].labels.at("name"), shown);
    EXPECT_EQ(page.sum("vmflow_vms"), 1);
    guest.release();
  }
  figure("{} hostile names shown, none broke the page", names.size());
}

}  // namespace vmflow::lab
