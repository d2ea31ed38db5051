// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/aggregate_file.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

namespace vmflow {
namespace {

using Json = nlohmann::json;

constexpr const char* kSchema = "vmflow_aggregate";
constexpr uint32_t kVersion = 1;

Json slots_json(const Snapshot& snapshot) {
  Json slots = Json::array();
  for (const auto& copy : snapshot.slots) {
    std::vector<uint8_t> bytes(sizeof(copy.slot));
    std::memcpy(bytes.data(), &copy.slot, bytes.size());
    slots.push_back({{"index", copy.index}, {"slot", Json::binary(std::move(bytes))}});
  }
  return {{"now_ns", snapshot.now_ns}, {"slots", std::move(slots)}};
}

/// Of those that ended in the window too.
Json vms_json(const AggregateWindow& window) {
  auto identities = window.last.identities;
  identities.insert(window.first.identities.begin(), window.first.identities.end());
  Json vms = Json::array();
  for (const auto& [key, identity] : identities)
    vms.push_back({{"tgid", key.tgid},
                   {"kvm", key.kvm},
                   {"name", identity.name},
                   {"uuid", identity.uuid},
                   {"vmm", identity.vmm},
                   {"start_ticks", identity.start_ticks},
                   {"start_time", identity.start_time_unix_seconds}});
  return vms;
}

Snapshot snapshot_of(const Json& json) {
  Snapshot snapshot;
  snapshot.now_ns = json.at("now_ns").get<uint64_t>();
  for (const auto& one : json.at("slots")) {
    const auto& bytes = one.at("slot").get_binary();
    if (bytes.size() != sizeof(vcpu_slot)) throw std::runtime_error("a slot of another size");
    SlotCopy copy{.index = one.at("index").get<uint32_t>(), .slot = {}};
    std::memcpy(&copy.slot, bytes.data(), sizeof(copy.slot));
    snapshot.slots.push_back(copy);
  }
  return snapshot;
}

void read_vms(const Json& json, Snapshot& snapshot) {
  for (const auto& one : json) {
    const VmKey key{one.at("tgid").get<uint32_t>(), one.at("kvm").get<uint64_t>()};
    snapshot.identities[key] = {.name = one.at("name").get<std::string>(),
                                .uuid = one.at("uuid").get<std::string>(),
                                .vmm = one.at("vmm").get<std::string>(),
                                .pid = key.tgid,
                                .start_ticks = one.at("start_ticks").get<uint64_t>(),
                                .start_time_unix_seconds = one.at("start_time").get<double>(),
                                .alive = true};
  }
}

}  // namespace

std::string aggregate_bytes(const AggregateWindow& window) {
  const auto& host = window.last.host;
  const Json json = {{"schema", kSchema},
                     {"version", kVersion},
                     {"record_bytes", sizeof(vcpu_slot)},
                     {"vendor", static_cast<int>(host.vendor)},
                     {"kernel", host.kernel},
                     {"lttng_from_ns", window.lttng_from_ns},
                     {"first", slots_json(window.first)},
                     {"last", slots_json(window.last)},
                     {"vms", vms_json(window)}};
  std::string bytes;
  Json::to_cbor(json, bytes);
  return bytes;
}

Result<AggregateWindow> parse_aggregate(std::string_view bytes) {
  try {
    const auto json = Json::from_cbor(bytes.begin(), bytes.end());
    if (json.at("schema") != kSchema) return failure("it is not what vmflow counted");
    if (json.at("version") != kVersion || json.at("record_bytes") != sizeof(vcpu_slot))
      return failure(
          "it was written by another version of vmflow, whose records have another shape: analyse "
          "it "
          "with that one");
    AggregateWindow window{.first = snapshot_of(json.at("first")),
                           .last = snapshot_of(json.at("last")),
                           .lttng_from_ns = json.at("lttng_from_ns").get<uint64_t>()};
    const auto vendor = json.at("vendor").get<int>();
    window.last.host.vendor = vendor == static_cast<int>(Vendor::kVmx)   ? Vendor::kVmx
                              : vendor == static_cast<int>(Vendor::kSvm) ? Vendor::kSvm
                                                                         : Vendor::kNone;
    window.last.host.kernel = json.at("kernel").get<std::string>();
    window.first.host = window.last.host;
    read_vms(json.at("vms"), window.last);
    return window;
  } catch (const std::exception& error) {
    return failure(fmt::format("it is broken: {}", error.what()));
  }
}

}  // namespace vmflow
