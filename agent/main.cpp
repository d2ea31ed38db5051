// SPDX-License-Identifier: GPL-2.0-only
// vmflowd: reads its settings, attaches, serves, and leaves nothing behind when it is told to end.
#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <variant>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/http/server.h"
#include "agent/http/snapshot_api.h"
#include "agent/log.h"
#include "agent/rights/rights.h"
#include "agent/sources/kernel_support.h"
#include "agent/trigger/flight_recorder.h"
#include "agent/trigger/triggers.h"
#include "agent/version.h"

namespace vmflow {
namespace {

constexpr timespec kTick = {.tv_sec = 1, .tv_nsec = 0};
constexpr unsigned kSecondsToEnd = 1;
// A recorder has to give back what it has opened outside of this process.
constexpr std::chrono::seconds kMostToStopRecording{3};

sigset_t end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// Ticks until a signal tells to end. Returns which one.
int tick_until_signal(Agent& agent, const sigset_t& signals) {
  for (;;) {
    agent.tick();
    if (const int signal = sigtimedwait(&signals, nullptr, &kTick); signal > 0) return signal;
  }
}

int fail(const std::string& message) {
  fmt::print(stderr, "vmflowd: {}\n", message);
  return EXIT_FAILURE;
}

int run(const Config& config) {
  // Blocked before the first thread starts, so that only the main one ever takes them.
  const auto signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  set_up_log(config.log_level, config.log_format);
  const bool keeps_snapshots = config.trace.mode != "off";
  const auto rights =
      Rights::limit({.user = config.user,
                     .snapshot_folder = keeps_snapshots ? config.trace.dir : std::string(),
                     .kvm_is_loaded = !loaded_vendor_module().empty()});
  if (!rights) return fail(rights.error().message);
  Agent agent(config, **rights);
  if (auto started = agent.start(); !started) return fail(started.error().message);
  // Only now: what cannot work must not open a recorder or a folder first.
  Triggers triggers(config, make_recorder(config.trace, agent.live_side()));
  agent.tell(triggers);
  SnapshotApi snapshots(triggers, config.enable_admin_api);
  auto server = HttpServer::start({.host = config.listen_host,
                                   .port = config.listen_port,
                                   .telemetry_path = config.telemetry_path,
                                   .web_config_file = config.web_config_file},
                                  {.metrics = [&agent] { return agent.metrics(); },
                                   .api = [&agent](const auto& path) { return agent.api(path); },
                                   .ready = [&agent] { return agent.ready(); },
                                   .snapshots = &snapshots});
  if (!server) return fail(server.error().message);
  agent.ask([&server] { return server->flow(); });
  spdlog::info("{} serves {}://{}:{}{}", kVersionText, server->has_tls() ? "https" : "http",
               config.listen_host, config.listen_port, config.telemetry_path);
  const int signal = tick_until_signal(agent, signals);
  spdlog::info("signal {}: detaching", signal);
  agent.detach();
  if (!triggers.stop(kMostToStopRecording)) spdlog::warn("a snapshot does not end: left behind");
  // A client that does not read must not keep the agent: nothing is left that could be lost.
  std::signal(SIGALRM, [](int) { _exit(EXIT_SUCCESS); });
  alarm(kSecondsToEnd);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace vmflow

int main(int argc, char** argv) {
  // What one thread's look has made, another's lets go of: with a heap for each thread the agent
  // would take several times the memory that it uses.
  mallopt(M_ARENA_MAX, 1);
  const auto command = vmflow::parse_command_line(argc, argv);
  if (!command) {
    vmflow::fail(command.error().message);
    return 2;
  }
  if (const auto* text = std::get_if<vmflow::PrintAndExit>(&*command)) {
    fmt::print("{}", text->text);
    return text->status;
  }
  return vmflow::run(std::get<vmflow::Config>(*command));
}
