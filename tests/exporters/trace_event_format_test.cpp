// SPDX-License-Identifier: GPL-2.0-only
// The check of traces itself: each thing that may be wrong with one is found.
#include "tests/exporters/trace_event_format.h"

#include <gtest/gtest.h>

#include <functional>

namespace vmflow::test {
namespace {

using Json = nlohmann::json;

/// One process with two tracks: a slice on the first that has another one within, one on the
/// second, and an arrow from the first to the second.
Json valid() {
  return Json::parse(R"({"displayTimeUnit": "ns", "otherData": {"title": "a"}, "traceEvents": [
    {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "web"}},
    {"ph": "M", "name": "process_labels", "pid": 1, "tid": 0, "args": {"labels": "slow"}},
    {"ph": "M", "name": "thread_name", "pid": 1, "tid": 10, "args": {"name": "vCPU 0"}},
    {"ph": "M", "name": "thread_sort_index", "pid": 1, "tid": 10, "args": {"sort_index": 0}},
    {"ph": "M", "name": "thread_name", "pid": 1, "tid": 11, "args": {"name": "vCPU 1"}},
    {"ph": "X", "name": "guest", "cat": "vcpu", "pid": 1, "tid": 10, "ts": 0, "dur": 10.001},
    {"ph": "X", "name": "kvm", "cat": "vcpu", "pid": 1, "tid": 10, "ts": 2.5, "dur": 2, "args": {}},
    {"ph": "X", "name": "guest", "cat": "vcpu", "pid": 1, "tid": 11, "ts": 4, "dur": 6},
    {"ph": "s", "name": "ipi", "cat": "wake", "id": 1, "pid": 1, "tid": 10, "ts": 3},
    {"ph": "f", "name": "ipi", "cat": "wake", "id": 1, "pid": 1, "tid": 11, "ts": 4, "bp": "e"}]})");
}

constexpr int kProcessName = 0, kThreadName = 2, kSortIndex = 3, kSecondName = 4, kOuter = 5,
              kInner = 6, kOther = 7, kBegin = 8, kEnd = 9;

}  // namespace

TEST(TraceEventFormat, of_a_valid_file_nothing_is_wrong) {
  EXPECT_EQ(trace_event_faults(valid().dump()), std::vector<std::string>{});
  const auto slices = drawn_slices(valid().dump());
  ASSERT_EQ(slices.size(), 3u);
  EXPECT_EQ(slices[0].process, "web");
  EXPECT_EQ(slices[0].track, "vCPU 0");
  EXPECT_EQ(slices[0].ns, 10'001u);
  EXPECT_EQ(slices[1].begin_ns, 2'500u);
}

TEST(TraceEventFormat, every_fault_is_found) {
  struct Case {
    std::string fault;
    std::function<void(Json& file, Json& events)> breaks;
  };
  const Case cases[] = {
      {"no traceEvents", [](Json& file, Json&) { file.erase("traceEvents"); }},
      {"unknown field extra", [](Json& file, Json&) { file["extra"] = 1; }},
      {"displayTimeUnit is not", [](Json& file, Json&) { file["displayTimeUnit"] = "us"; }},
      {"otherData is not", [](Json& file, Json&) { file["otherData"] = "a"; }},
      {"no phase", [](Json&, Json& events) { events[kOuter].erase("ph"); }},
      {"unknown phase", [](Json&, Json& events) { events[kOuter]["ph"] = "Z"; }},
      {"unknown field when", [](Json&, Json& events) { events[kOuter]["when"] = 1; }},
      {"no dur", [](Json&, Json& events) { events[kOuter].erase("dur"); }},
      {"no cat", [](Json&, Json& events) { events[kOuter].erase("cat"); }},
      {"name is not", [](Json&, Json& events) { events[kOuter]["name"] = ""; }},
      {"ts is not", [](Json&, Json& events) { events[kOuter]["ts"] = "0"; }},
      {"ts is not", [](Json&, Json& events) { events[kOuter]["ts"] = -1; }},
      {"ts is not", [](Json&, Json& events) { events[kOuter]["ts"] = nullptr; }},
      {"dur is not", [](Json&, Json& events) { events[kOuter]["dur"] = 10.0005; }},
      {"dur is not", [](Json&, Json& events) { events[kOuter]["dur"] = -0.001; }},
      {"pid is not", [](Json&, Json& events) { events[kOuter]["pid"] = "1"; }},
      {"tid is not", [](Json&, Json& events) { events[kOuter]["tid"] = 1ull << 32; }},
      {"args is not", [](Json&, Json& events) { events[kInner]["args"] = 1; }},
      {"no id", [](Json&, Json& events) { events[kBegin].erase("id"); }},
      {"unknown field bp", [](Json&, Json& events) { events[kBegin]["bp"] = "e"; }},
      {"no bp", [](Json&, Json& events) { events[kEnd].erase("bp"); }},
      {"bp is not", [](Json&, Json& events) { events[kEnd]["bp"] = "x"; }},
      {"unknown metadata", [](Json&, Json& events) { events[kSortIndex]["name"] = "thread_age"; }},
      {"no sort_index", [](Json&, Json& events) { events[kSortIndex]["args"] = Json::object(); }},
      {"sort_index is not",
       [](Json&, Json& events) { events[kSortIndex]["args"]["sort_index"] = "0"; }},
      {"unknown field age", [](Json&, Json& events) { events[kThreadName]["args"]["age"] = 1; }},
      {"no process_name", [](Json&, Json& events) { events.erase(kProcessName); }},
      {"no thread_name", [](Json&, Json& events) { events.erase(kSecondName); }},
      {"said twice", [](Json&, Json& events) { events.push_back(events[kThreadName]); }},
      {"a thread of two processes",
       [](Json&, Json& events) {
         events.push_back(events[kProcessName]);
         events.back()["pid"] = 2;
         events.push_back(events[kThreadName]);
         events.back()["pid"] = 2;
       }},
      {"crosses", [](Json&, Json& events) { events[kInner]["dur"] = 8; }},
      {"crosses", [](Json&, Json& events) { events[kInner]["ts"] = 10, events[kBegin]["ts"] = 1; }},
      {"half a flow", [](Json&, Json& events) { events.erase(kEnd); }},
      {"half a flow", [](Json&, Json& events) { events.erase(kBegin); }},
      {"half a flow", [](Json&, Json& events) { events[kEnd]["id"] = 2; }},
      {"half a flow", [](Json&, Json& events) { events[kEnd]["cat"] = "path"; }},
      {"half a flow", [](Json&, Json& events) { events[kEnd]["name"] = "path"; }},
      {"ends before it begins", [](Json&, Json& events) { events[kBegin]["ts"] = 4.5; }},
      {"ends before it begins",
       [](Json&, Json& events) {
         events[kBegin]["ts"] = 4;
         std::swap(events[kBegin], events[kEnd]);
       }},
      {"id of another flow",
       [](Json&, Json& events) {
         events.push_back(events[kBegin]);
         events.push_back(events[kEnd]);
         for (size_t i = 10; i < 12; i++) events[i]["cat"] = "path";
       }},
      {"is there twice", [](Json&, Json& events) { events.push_back(events[kEnd]); }},
      {"in no slice", [](Json&, Json& events) { events[kEnd]["ts"] = 10.001; }},
      {"in no slice", [](Json&, Json& events) { events.erase(kOther); }},
      {"in no slice",
       [](Json&, Json& events) {
         // It begins at the same time, and is read later.
         events.push_back(events[kOther]);
         events.erase(kOther);
       }},
      {"read before the slice",
       [](Json&, Json& events) {
         events.push_back(events[kInner]);
         events.back()["ts"] = 3;
         events.back()["dur"] = 1;
       }},
  };
  for (const auto& one : cases) {
    auto file = valid();
    Json events = file["traceEvents"];
    const auto before = events;
    one.breaks(file, events);
    if (events != before) file["traceEvents"] = events;
    const auto faults = trace_event_faults(file.dump());
    EXPECT_TRUE(std::ranges::any_of(
        faults, [&](const std::string& fault) { return fault.find(one.fault) != fault.npos; }))
        << one.fault << " is not among the " << faults.size() << " of " << file;
  }
}

TEST(TraceEventFormat, what_is_no_json_is_a_fault) {
  const auto text = valid().dump();
  EXPECT_FALSE(trace_event_faults(text.substr(0, text.size() - 1)).empty());
  EXPECT_FALSE(trace_event_faults("[]").empty());
  auto invalid = text;
  invalid.replace(invalid.find("slow"), 4, "sl\xffw");
  EXPECT_FALSE(trace_event_faults(invalid).empty()) << "no UTF-8";
  auto twice = text;
  twice.replace(twice.find("\"dur\""), 5, "\"pid\":1,\"dur\"");
  const auto faults = trace_event_faults(twice);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].find("there twice"), std::string::npos);
}

}  // namespace vmflow::test
