// SPDX-License-Identifier: GPL-2.0-only
#include "tests/exporters/trace_event_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <tuple>

namespace vmflow::test {
namespace {

using Json = nlohmann::json;
using Track = std::pair<uint64_t, uint64_t>;  // pid, tid
using IsOfType = bool (*)(const Json&);

bool is_text(const Json& value) {
  return value.is_string();
}
bool is_name(const Json& value) {
  return value.is_string() && !value.get_ref<const std::string&>().empty();
}
bool is_object(const Json& value) {
  return value.is_object();
}
bool is_number(const Json& value) {
  return value.is_number();
}
/// Perfetto keeps process and thread numbers in 32 bits.
bool is_pid(const Json& value) {
  return value.is_number_unsigned() && value.get<uint64_t>() <= 0xffff'ffff;
}
bool is_id(const Json& value) {
  return value.is_number_unsigned() || is_name(value);
}
bool is_binding(const Json& value) {
  return value == "e";
}
/// Microseconds, to the nanosecond. Beyond 2^53 ns, 104 days, a double is no longer that exact.
bool is_time(const Json& value) {
  if (!value.is_number()) return false;
  const double ns = value.get<double>() * 1e3;
  return ns >= 0 && ns < 9e15 && std::abs(ns - std::round(ns)) <= 1e-15 * ns + 1e-6;
}
uint64_t ns_of(const Json& value) {
  return static_cast<uint64_t>(std::llround(value.get<double>() * 1e3));
}

struct Field {
  IsOfType is_of_type;
  bool is_required;
};
using Fields = std::map<std::string, Field>;

const Fields kTop = {
    {"traceEvents", {[](const Json& value) { return value.is_array(); }, true}},
    {"displayTimeUnit", {[](const Json& value) { return value == "ms" || value == "ns"; }, false}},
    {"otherData", {is_object, false}},
    {"systemTraceEvents", {is_text, false}},
    {"powerTraceAsString", {is_text, false}},
    {"stackFrames", {is_object, false}},
    {"samples", {[](const Json& value) { return value.is_array(); }, false}}};

Fields with(Fields fields, const Fields& more) {
  fields.insert(more.begin(), more.end());
  return fields;
}

const Fields kOfAll = {{"ph", {is_text, true}},
                       {"name", {is_name, true}},
                       {"pid", {is_pid, true}},
                       {"tid", {is_pid, true}}};
/// Of what is drawn.
const Fields kDrawn = with(kOfAll, {{"cat", {is_name, true}},
                                    {"ts", {is_time, true}},
                                    {"args", {is_object, false}},
                                    {"cname", {is_name, false}}});
const Fields kArrow = with(kDrawn, {{"id", {is_id, true}}});

const std::map<std::string, Fields> kPhases = {
    {"M", with(kOfAll,
               {{"args", {is_object, true}}, {"cat", {is_text, false}}, {"ts", {is_time, false}}})},
    {"X", with(kDrawn,
               {{"dur", {is_time, true}}, {"tts", {is_time, false}}, {"tdur", {is_time, false}}})},
    {"s", kArrow},
    // Without bp the end would belong to the next slice on its track.
    {"f", with(kArrow, {{"bp", {is_binding, true}}})}};

/// The one field that `args` of a metadata event has.
const std::map<std::string, std::pair<std::string, IsOfType>> kMetadata = {
    {"process_name", {"name", is_name}},
    {"process_labels", {"labels", is_text}},
    {"process_sort_index", {"sort_index", is_number}},
    {"thread_name", {"name", is_name}},
    {"thread_sort_index", {"sort_index", is_number}}};

/// Parses strictly, and keeps what a parser would pass over: a key that is there twice.
std::optional<Json> parsed(const std::string& text, std::vector<std::string>& faults) {
  std::vector<std::set<std::string>> keys;
  const auto look = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value).second)
      faults.push_back(fmt::format("the key {} is there twice", value.dump()));
    return true;
  };
  try {
    return Json::parse(text, look);
  } catch (const Json::exception& error) {
    faults.push_back(std::string("no JSON: ") + error.what());
    return std::nullopt;
  }
}

class Checker {
 public:
  explicit Checker(std::vector<std::string>& faults) : faults_(faults) {}

  void check(const Json& file) {
    if (!has_fields("file", file, kTop)) return;
    for (const auto& event : file["traceEvents"]) take(event);
    // The order in which Perfetto reads them.
    std::ranges::stable_sort(timed_, {}, [](const Timed& each) { return each.ns; });
    check_tracks();
    check_slices();
    check_flows();
  }

 private:
  struct Timed {
    uint64_t ns = 0;
    uint64_t end_ns = 0;  ///< of a slice
    Track track;
    const Json* event = nullptr;
    bool is_slice() const { return (*event)["ph"] == "X"; }
  };

  void fault(const Json& where, const std::string& what) {
    faults_.push_back(what + ": " + where.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  bool has_fields(const std::string& what, const Json& object, const Fields& fields) {
    if (!object.is_object()) {
      fault(object, what + " is no object");
      return false;
    }
    const size_t before = faults_.size();
    for (const auto& [name, field] : fields) {
      const auto found = object.find(name);
      if (found == object.end() && field.is_required) fault(object, "no " + name);
      if (found != object.end() && !field.is_of_type(*found))
        fault(object, name + " is not what it should be");
    }
    for (const auto& [name, value] : object.items())
      if (!fields.contains(name)) fault(object, "unknown field " + name);
    return faults_.size() == before;
  }

  void take(const Json& event) {
    if (!event.is_object() || !event.contains("ph") || !event["ph"].is_string())
      return fault(event, "no phase");
    const auto phase = event["ph"].get<std::string>();
    const auto fields = kPhases.find(phase);
    if (fields == kPhases.end()) return fault(event, "unknown phase");
    if (!has_fields("event", event, fields->second)) return;
    if (phase == "M") return take_name(event);
    const uint64_t ns = ns_of(event["ts"]);
    timed_.push_back({.ns = ns,
                      .end_ns = phase == "X" ? ns + ns_of(event["dur"]) : ns,
                      .track = {event["pid"], event["tid"]},
                      .event = &event});
  }

  void take_name(const Json& event) {
    const auto name = event["name"].get<std::string>();
    const auto known = kMetadata.find(name);
    if (known == kMetadata.end()) return fault(event, "unknown metadata");
    const auto& [field, is_of_type] = known->second;
    if (!has_fields("args", event["args"], {{field, {is_of_type, true}}})) return;
    const bool is_of_thread = name.starts_with("thread_");
    const Track track{event["pid"], is_of_thread ? event["tid"].get<uint64_t>() : 0};
    if (!metadata_.insert({name, track}).second) fault(event, "said twice");
    if (!is_of_thread) return;
    const auto owner = process_by_tid_.try_emplace(event["tid"], event["pid"]).first;
    if (owner->second != track.first) fault(event, "a thread of two processes");
  }

  void check_tracks() {
    std::set<Track> seen;
    for (const auto& each : timed_) {
      if (!seen.insert(each.track).second) continue;
      if (!metadata_.contains({"thread_name", each.track})) fault(*each.event, "no thread_name");
      if (!metadata_.contains({"process_name", {each.track.first, 0}}))
        fault(*each.event, "no process_name");
    }
  }

  /// Of one track, any two are nested or disjoint.
  void check_slices() {
    std::map<Track, std::vector<const Timed*>> tracks;
    for (const auto& each : timed_)
      if (each.is_slice()) {
        tracks[each.track].push_back(&each);
        begins_.insert({each.track, each.ns});
      }
    for (auto& [track, slices] : tracks) {
      std::ranges::stable_sort(slices, [](const Timed* a, const Timed* b) {
        return std::pair(a->ns, b->end_ns) < std::pair(b->ns, a->end_ns);
      });
      std::vector<uint64_t> open_until;
      for (const auto* slice : slices) {
        while (!open_until.empty() && open_until.back() <= slice->ns) open_until.pop_back();
        if (!open_until.empty() && open_until.back() < slice->end_ns)
          fault(*slice->event, "crosses the slice before");
        open_until.push_back(slice->end_ns);
      }
    }
  }

  struct Flow {
    const Timed* begin = nullptr;
    const Timed* end = nullptr;
  };

  void check_flows() {
    std::map<std::string, Flow> flows;  // by category, name and id
    std::set<std::string> ids;
    std::map<Track, const Timed*> open;
    for (const auto& each : timed_) {
      if (each.is_slice()) {
        open[each.track] = &each;
        continue;
      }
      const auto& event = *each.event;
      auto& flow = flows[Json{event["cat"], event["name"], event["id"]}.dump()];
      const bool is_begin = event["ph"] == "s";
      if (is_begin && !ids.insert(event["id"].dump()).second) fault(event, "id of another flow");
      if (!is_begin && !flow.begin) fault(event, "a flow that ends before it begins");
      auto& place = is_begin ? flow.begin : flow.end;
      if (place) fault(event, "an end that is there twice");
      place = &each;
      check_binding(each, open);
    }
    for (const auto& [key, flow] : flows)
      if (!flow.begin || !flow.end) faults_.push_back("half a flow: " + key);
  }

  /// The slice that is read last before it must be the one that it lies in.
  void check_binding(const Timed& end, const std::map<Track, const Timed*>& open) {
    const auto slice = open.find(end.track);
    if (slice == open.end() || slice->second->end_ns < end.ns)
      return fault(*end.event, "in no slice");
    if (slice->second->ns != end.ns && begins_.contains({end.track, end.ns}))
      fault(*end.event, "read before the slice that it lies in");
  }

  std::vector<std::string>& faults_;
  std::vector<Timed> timed_;
  std::set<std::pair<std::string, Track>> metadata_;
  std::map<uint64_t, uint64_t> process_by_tid_;
  std::set<std::pair<Track, uint64_t>> begins_;  ///< of slices
};

}  // namespace

std::vector<std::string> trace_event_faults(const std::string& text) {
  std::vector<std::string> faults;
  const auto file = parsed(text, faults);
  if (file) Checker(faults).check(*file);
  return faults;
}

std::vector<DrawnSlice> drawn_slices(const std::string& text) {
  const auto events = Json::parse(text)["traceEvents"];
  std::map<uint64_t, std::string> processes;
  std::map<Track, std::string> tracks;
  for (const auto& event : events) {
    if (event["name"] == "process_name") processes[event["pid"]] = event["args"]["name"];
    if (event["name"] == "thread_name")
      tracks[{event["pid"], event["tid"]}] = event["args"]["name"];
  }
  std::vector<DrawnSlice> slices;
  for (const auto& event : events)
    if (event["ph"] == "X")
      slices.push_back({.process = processes[event["pid"]],
                        .track = tracks[{event["pid"], event["tid"]}],
                        .category = event["cat"],
                        .name = event["name"],
                        .begin_ns = ns_of(event["ts"]),
                        .ns = ns_of(event["dur"]),
                        .args = event.value("args", Json::object())});
  return slices;
}

}  // namespace vmflow::test
