// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/snapshot_api.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "exporters/api_json.h"
#include "exporters/snapshot_json.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostAlerts = 100;  // looked at in one call; the rest is counted
constexpr int kWebhookVersion = 4;

std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

HttpAnswer error(int status, std::string_view message) {
  return {status, api_error(message), 0};
}

HttpAnswer writes_are_off() {
  return error(403, "vmflowd takes no orders over HTTP: start it with --web.enable-admin-api");
}

int status_of(Refusal why) {
  switch (why) {
    case Refusal::kBusy:
    case Refusal::kOff:
      return 409;
    case Refusal::kCooldown:
    case Refusal::kRate:
      return 429;
    case Refusal::kQuota:
    case Refusal::kDisk:
      return 507;
  }
  return 409;
}

HttpAnswer answer_of(const Asked& asked) {
  if (asked)
    return {202, text_of({{"version", kApiVersion}, {"id", *asked}, {"state", "recording"}}), 0};
  const auto& refused = asked.error();
  return {status_of(refused.why),
          text_of({{"version", kApiVersion},
                   {"error", refused.message},
                   {"reason", refusal_name(refused.why)}}),
          refused.retry_after_seconds};
}

/// A member that is a text; empty if there is none.
std::string text_in(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>()
                                                                       : std::string();
}

bool is_webhook(const Json& json) {
  return json.is_object() && json.contains("alerts") && json["alerts"].is_array() &&
         text_in(json, "version") == std::to_string(kWebhookVersion);
}

std::string reason_of(const Json& labels, const Json& annotations) {
  auto reason = "alert " + text_in(labels, "alertname");
  const auto summary = text_in(annotations, "summary");
  return summary.empty() ? reason : reason + ": " + summary;
}

}  // namespace

HttpAnswer SnapshotApi::list() const {
  const auto* store = triggers_.loop().store();
  return {200,
          snapshots_json(triggers_.loop().list(), store != nullptr ? store->stored_bytes() : 0), 0};
}

HttpAnswer SnapshotApi::get(const std::string& id) const {
  const auto summary = triggers_.loop().find(id);
  if (!summary) return error(404, "no such snapshot; see /api/v1/snapshots");
  const auto* store = triggers_.loop().store();
  if (store == nullptr || summary->state != SnapshotState::kComplete)
    return {200, snapshot_json(*summary, "", {}, ""), 0};
  return {200,
          snapshot_json(*summary, (store->folder() / id).string(), store->files_of(id),
                        store->read(id, kFindingFile).value_or("")),
          0};
}

HttpAnswer SnapshotApi::take(const std::string& content_type, const std::string& body) {
  if (!enable_admin_api_) return writes_are_off();
  // A page of another site can make a browser post a form, but not this type.
  if (!content_type.starts_with("application/json"))
    return error(415, "the body must be of the type application/json");
  const auto json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return error(400, "the body must be one JSON object");
  for (const auto& [key, value] : json.items())
    if ((key != "reason" && key != "vm") || !value.is_string())
      return error(400, R"(the body may have "reason" and "vm", both texts)");
  const auto wanted = text_in(json, "vm");
  const auto vm = wanted.empty() ? VmRef{} : triggers_.find_vm(wanted);
  if (!vm) return error(404, "there is no VM of that id, or not one of that name; see /api/v1/vms");
  const auto reason = text_in(json, "reason");
  return answer_of(triggers_.request(kHttpTrigger, *vm, reason.empty() ? "asked for" : reason));
}

HttpAnswer SnapshotApi::alertmanager(const std::string& body) {
  if (!enable_admin_api_) return writes_are_off();
  const auto json = Json::parse(body, nullptr, false);
  if (!is_webhook(json))
    return error(400, "the body must be Alertmanager's webhook JSON, version 4");
  Json taken = Json::array(), refused = Json::array();
  std::set<std::string> seen;
  size_t ignored = 0;
  for (const auto& alert : json["alerts"]) {
    const auto labels = alert.is_object() ? alert.value("labels", Json()) : Json();
    const auto annotations = alert.is_object() ? alert.value("annotations", Json()) : Json();
    const auto wanted = text_in(labels, "vm");
    if (text_in(alert, "status") != "firing" || wanted.empty() || seen.size() >= kMostAlerts ||
        !seen.insert(wanted).second) {
      ignored++;
      continue;
    }
    const auto vm = triggers_.find_vm(wanted);
    if (!vm) {
      refused.push_back({{"vm", wanted}, {"reason", "no such VM"}});
      continue;
    }
    const auto asked = triggers_.request(kAlertmanagerTrigger, *vm, reason_of(labels, annotations));
    if (asked)
      taken.push_back({{"vm", vm->label}, {"id", *asked}});
    else
      refused.push_back({{"vm", vm->label}, {"reason", refusal_name(asked.error().why)}});
  }
  return {200,
          text_of({{"version", kApiVersion},
                   {"taken", std::move(taken)},
                   {"refused", std::move(refused)},
                   {"ignored", ignored}}),
          0};
}

}  // namespace vmflow
