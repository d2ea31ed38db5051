// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_table.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/agent/unit/recorded_events.h"

namespace vmflow::test {
namespace {

using enum CtfType;
using Shape = std::vector<std::pair<std::string, CtfType>>;

/// From the metadata of a trace that LTTng 2.13.9 has recorded on Linux 6.1.192.
const std::map<std::string, Shape>& shapes_of_lttng() {
  static const std::map<std::string, Shape> shapes{
      {"kvm_x86_entry", {{"vcpu_id", kU32}}},
      {"kvm_x86_exit",
       {{"exit_reason", kU32},
        {"guest_rip", kU64},
        {"isa", kU32},
        {"info1", kU64},
        {"info2", kU64},
        {"intr_info", kU32},
        {"error_code", kU32},
        {"vcpu_id", kU32}}},
      {"kvm_userspace_exit", {{"reason", kU32}, {"errno", kI32}}},
      {"kvm_set_irq", {{"gsi", kU32}, {"level", kI32}, {"irq_source_id", kI32}}},
      {"kvm_fpu", {{"load", kU32}}},
      {"kvm_async_pf_completed", {{"address", kAddress}, {"gva", kU64}}},
      {"kvm_x86_apic_accept_irq",
       {{"apicid", kU32}, {"dm", kU16}, {"tm", kU8}, {"vec", kU8}, {"coalesced", kU8}}},
      {"kvm_x86_nested_vmexit",
       {{"rip", kU64},
        {"exit_code", kU32},
        {"exit_info1", kU64},
        {"exit_info2", kU64},
        {"exit_int_info", kU32},
        {"exit_int_info_err", kU32},
        {"isa", kU32}}},
      {"kvm_x86_nested_vmexit_inject",
       {{"exit_code", kU32},
        {"exit_info1", kU64},
        {"exit_info2", kU64},
        {"exit_int_info", kU32},
        {"exit_int_info_err", kU32},
        {"isa", kU32}}},
      {"sched_switch",
       {{"prev_comm", kText},
        {"prev_tid", kI32},
        {"prev_prio", kI32},
        {"prev_state", kI64},
        {"next_comm", kText},
        {"next_tid", kI32},
        {"next_prio", kI32}}},
      {"sched_waking", {{"comm", kText}, {"tid", kI32}, {"prio", kI32}, {"target_cpu", kI32}}},
      {"sched_migrate_task",
       {{"comm", kText}, {"tid", kI32}, {"prio", kI32}, {"orig_cpu", kI32}, {"dest_cpu", kI32}}},
      {"sched_process_exit", {{"comm", kText}, {"tid", kI32}, {"prio", kI32}}},
      {"irq_handler_entry", {{"irq", kI32}, {"name", kText}}},
      {"irq_handler_exit", {{"irq", kI32}, {"ret", kI32}}},
  };
  return shapes;
}

Shape shape_of(const CtfEvent& row) {
  Shape shape;
  for (const auto& field : row.fields) shape.emplace_back(field.name, field.type);
  return shape;
}

}  // namespace

TEST(CtfTable, what_is_written_has_lttngs_shape_or_lttng_lacks_it) {
  const std::set<std::string> ours{"kvm_vcpu_wakeup", "kvm_nested_vmenter", "vmflow_vcpu_out",
                                   "vmflow_vcpu_in",  "vmflow_wake",        "vmflow_registers",
                                   "vmflow_packet"};
  size_t like_lttng = 0;
  for (const auto& row : ctf_events()) {
    const std::string name(row.name);
    if (!row.write) continue;
    const auto shape = shapes_of_lttng().find(name);
    if (shape == shapes_of_lttng().end()) {
      EXPECT_TRUE(ours.contains(name)) << name;
      continue;
    }
    EXPECT_EQ(shape_of(row), shape->second) << name;
    like_lttng++;
  }
  EXPECT_EQ(like_lttng, shapes_of_lttng().size());
}

TEST(CtfTable, fits_its_own_limits) {
  std::set<std::string_view> names;
  for (const auto& row : ctf_events()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
    EXPECT_LE(row.fields.size(), kMostCtfFields) << row.name;
    EXPECT_TRUE(row.read) << row.name;
    EXPECT_EQ(ctf_event(row.name), &row);
    for (size_t i = kMostCtfTexts; i < row.fields.size(); i++)
      EXPECT_NE(row.fields[i].type, kText) << row.name;
  }
  EXPECT_EQ(ctf_event("kvm_mmio"), nullptr);
}

TEST(CtfTable, every_kind_of_event_is_written) {
  std::set<size_t> kinds;
  for (const auto& event : one_of_each()) {
    CtfValues values;
    EXPECT_EQ(written_as(event.data, {}, values).kind, event.data.index());
    kinds.insert(event.data.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<EventData>);
}

TEST(CtfTable, the_vcpu_of_an_entry_is_believed_of_vmflow_alone) {
  CtfValues values;
  values.number[0] = 119144448;
  values.present = 1;
  const auto* row = ctf_event("kvm_x86_entry");
  EXPECT_FALSE(std::get<EntryEvent>(*row->read(values, false)).vcpu_id);
  EXPECT_EQ(std::get<EntryEvent>(*row->read(values, true)).vcpu_id, 119144448u);
}

TEST(CtfTable, a_preempted_thread_is_runnable) {
  const auto* row = ctf_event("sched_switch");
  const auto read = [&](uint64_t state) {
    CtfValues values;
    values.number[3] = state;
    return std::get<SwitchEvent>(*row->read(values, false));
  };
  EXPECT_EQ(read(0x100).prev_state, 0);
  EXPECT_EQ(read(0x100).preempted, true);
  EXPECT_EQ(read(2).prev_state, 2);
  EXPECT_EQ(read(2).preempted, false);
  EXPECT_EQ(read(0x80).prev_state, 0x80);
  // A thread that was preempted on its way to sleep.
  CtfValues written;
  written_as(SwitchEvent{.prev_tid = 1, .next_tid = 2, .prev_state = 1, .preempted = true}, {},
             written);
  EXPECT_EQ(written.number[3], 0x100u);
}

TEST(CtfTable, kvm_run_is_entered_when_the_guests_fpu_is_loaded_and_not_on_the_way_back) {
  const auto* row = ctf_event("kvm_fpu");
  CtfValues values;
  EXPECT_FALSE(row->read(values, false));
  values.number[0] = 1;
  EXPECT_TRUE(row->read(values, false));
}

TEST(EventBytes, what_is_cut_or_no_event_is_refused) {
  for (const auto& event : one_of_each()) {
    const auto bytes = bytes_of(event);
    for (size_t length = 0; length < bytes.size(); length++) {
      std::string_view cut(bytes.data(), length);
      EXPECT_FALSE(read_event(cut)) << event.data.index() << " cut to " << length;
    }
  }
  std::string_view no_kind("\xc8 and so on and so on and so on and so on");
  EXPECT_FALSE(read_event(no_kind));
}

TEST(EventBytes, contents_that_lie_about_their_size_are_refused) {
  EXPECT_FALSE(contents_of(""));
  EXPECT_FALSE(contents_of(std::string(64, '\xff')));
  auto bytes = contents_bytes({});
  EXPECT_TRUE(contents_of(bytes));
  EXPECT_FALSE(contents_of(bytes + "x"));
  bytes[0] = 2;  // traces
  EXPECT_FALSE(contents_of(bytes));
}

}  // namespace vmflow::test
