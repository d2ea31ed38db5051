// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/snapshot_command.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent/cli/command.h"
#include "agent/cli/shared_flags.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

constexpr const char* kPath = "/api/v1/snapshots";
constexpr std::chrono::milliseconds kPause{200};
constexpr int kMostPauses = 300;

constexpr const char* kExamples = R"(
Examples:
  vmflow snapshot                                      of the whole host, now
  vmflow snapshot --vm web-1 --reason "slow since 14:02"
  vmflow snapshot --vm web-1 --wait                    prints the folder when it is complete
  vmflow snapshot --agent http://host7:9752            of another host
  vmflow snapshot --agent https://host7:9752 --ca ca.crt --cert me.crt --key me.key
                                                       of one that wants a certificate

vmflowd must have been started with --web.enable-admin-api.
Exit status: 0 done, 1 refused or failed, 2 the command line is wrong.
)";

std::string text_in(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string()
             ? json[key].get<std::string>()
             : std::string();
}

Outcome failed(const std::string& message) {
  return {kFailed, "", fmt::format("vmflow: {}\n", message)};
}

/// The agent's own words, if these are the words of an agent.
Outcome refused(const HttpAnswer& answer) {
  const auto error = text_in(Json::parse(answer.json, nullptr, false), "error");
  return failed(error.empty()
                    ? fmt::format("status {}: is this the address of a vmflowd?", answer.status)
                    : error);
}

Outcome wait_for(AgentClient& agent, const std::string& id, const std::function<bool()>& pause) {
  do {
    const auto answer = agent.get(std::string(kPath) + "/" + id);
    if (!answer) return failed(answer.error().message);
    if (answer->status != 200) return refused(*answer);
    const auto json = Json::parse(answer->json, nullptr, false);
    const auto state = text_in(json, "state");
    if (state == "complete") {
      const auto folder = text_in(json, "folder");
      return {kDone, fmt::format("{}\n", folder.empty() ? id : folder), ""};
    }
    if (state == "failed")
      return failed(fmt::format("snapshot {}: {}", id, text_in(json, "error")));
    if (state != "recording") return refused(*answer);
  } while (pause());
  return failed(
      fmt::format("snapshot {} is not complete yet; {}/{} tells when it is", id, kPath, id));
}

}  // namespace

Outcome order_snapshot(AgentClient& agent, const SnapshotOrder& order,
                       const std::function<bool()>& pause) {
  Json body = Json::object();
  if (!order.vm.empty()) body["vm"] = order.vm;
  if (!order.reason.empty()) body["reason"] = order.reason;
  const auto answer = agent.post(kPath, body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) return failed(answer.error().message);
  if (answer->status != 202) return refused(*answer);
  const auto id = text_in(Json::parse(answer->json, nullptr, false), "id");
  if (id.empty()) return refused(*answer);
  if (!order.wait) return {kDone, id + "\n", ""};
  return wait_for(agent, id, pause);
}

std::function<int()> snapshot_command(CLI::App& app, CLI::App*& chosen) {
  struct Flags {
    SnapshotOrder order;
    AgentAddress agent;
  };
  const auto flags = std::make_shared<Flags>();
  chosen = app.add_subcommand("snapshot", "have vmflowd save what the last seconds held");
  chosen->footer(kExamples);
  chosen->add_option("--vm", flags->order.vm, "id (the label vm) or name of a VM; else the host");
  chosen->add_option("--reason", flags->order.reason, "why, for whoever reads it later");
  add_agent_flags(*chosen, flags->agent);
  chosen->add_flag("--wait", flags->order.wait, "until it is complete; prints its folder");
  return [flags] {
    HttpAgentClient agent(flags->agent);
    const auto outcome = order_snapshot(agent, flags->order, [left = kMostPauses]() mutable {
      std::this_thread::sleep_for(kPause);
      return --left > 0;
    });
    fmt::print("{}", outcome.out);
    fmt::print(stderr, "{}", outcome.err);
    return outcome.status;
  };
}

}  // namespace vmflow
