// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_client.h"

#include <nlohmann/json.hpp>

#include "agent/sources/isolated_call.h"
#include "agent/trigger/lttng_calls.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

Error told(Error error) {
  const auto* who = did_not_answer(error) ? "lttng-sessiond hangs: " : "LTTng: ";
  return Error{who + error.message};
}

/// Names are written by whoever made a session: what is no UTF-8 is replaced.
std::string bytes_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json json_of(const LttngReadBack& found) {
  return {{"active", found.is_active},
          {"sub_buffer_bytes", found.sub_buffer_bytes},
          {"sub_buffers", found.sub_buffers},
          {"overwrites", found.overwrites},
          {"discarded", found.discarded_events},
          {"lost", found.lost_packets},
          {"events", found.events},
          {"channels", found.channels}};
}

LttngReadBack read_back_of(const Json& json) {
  return {.is_active = json.at("active"),
          .sub_buffer_bytes = json.at("sub_buffer_bytes"),
          .sub_buffers = json.at("sub_buffers"),
          .overwrites = json.at("overwrites"),
          .discarded_events = json.at("discarded"),
          .lost_packets = json.at("lost"),
          .events = json.at("events"),
          .channels = json.at("channels")};
}

Result<Json> ask(std::chrono::milliseconds deadline, const std::function<Result<Json>()>& call) {
  auto bytes = call_isolated(deadline, [&]() -> Result<std::string> {
    auto value = call();
    if (!value) return tl::unexpected(value.error());
    return bytes_of(*value);
  });
  if (!bytes) return tl::unexpected(told(bytes.error()));
  auto json = Json::parse(*bytes, nullptr, false);
  if (json.is_discarded()) return failure("LTTng: the answer is cut off");
  return json;
}

Result<void> order(std::chrono::milliseconds deadline, const std::function<Result<void>()>& call) {
  auto bytes = call_isolated(deadline, [&]() -> Result<std::string> {
    auto done = call();
    if (!done) return tl::unexpected(done.error());
    return "";
  });
  if (!bytes) return tl::unexpected(told(bytes.error()));
  return {};
}

Result<Json> as_json(Result<std::vector<std::string>> names) {
  if (!names) return tl::unexpected(names.error());
  return Json(*names);
}

Result<std::vector<std::string>> names_in(const Result<Json>& json) {
  if (!json) return tl::unexpected(json.error());
  return json->get<std::vector<std::string>>();
}

}  // namespace

Result<void> LttngClient::alive() {
  auto listed = sessions();
  if (!listed) return tl::unexpected(listed.error());
  return {};
}

Result<std::vector<std::string>> LttngClient::tracepoints() {
  return names_in(ask(deadlines_.ask, [] { return as_json(lttng_calls::tracepoints()); }));
}

Result<std::vector<std::string>> LttngClient::sessions() {
  return names_in(ask(deadlines_.ask, [] { return as_json(lttng_calls::sessions()); }));
}

Result<void> LttngClient::create(const LttngPlan& plan) {
  return order(deadlines_.change, [&] { return lttng_calls::create(plan); });
}

Result<void> LttngClient::start(const std::string& session) {
  return order(deadlines_.change, [&] { return lttng_calls::start(session); });
}

Result<void> LttngClient::stop(const std::string& session) {
  return order(deadlines_.change, [&] { return lttng_calls::stop(session); });
}

Result<void> LttngClient::destroy(const std::string& session) {
  return order(deadlines_.destroy, [&] { return lttng_calls::destroy(session); });
}

Result<LttngReadBack> LttngClient::read_back(const std::string& session) {
  const auto json = ask(deadlines_.ask, [&]() -> Result<Json> {
    auto found = lttng_calls::read_back(session);
    if (!found) return tl::unexpected(found.error());
    return json_of(*found);
  });
  if (!json) return tl::unexpected(json.error());
  return read_back_of(*json);
}

Result<void> LttngClient::save(const std::string& session, const std::filesystem::path& folder,
                               uint64_t most_bytes) {
  return order(deadlines_.save,
               [&] { return lttng_calls::save(session, folder.string(), most_bytes); });
}

}  // namespace vmflow
