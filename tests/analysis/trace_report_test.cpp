// SPDX-License-Identifier: GPL-2.0-only
// What a report is about, in which order, and the words that it is made of.
#include "analysis/trace_report.h"

#include <gtest/gtest.h>

#include "analysis/amount_text.h"
#include "analysis/host_reports.h"
#include "tests/analysis/spent_time.h"

namespace vmflow::test {

TEST(AmountText, has_three_digits_and_the_unit_that_fits) {
  EXPECT_EQ(time_text(0), "0 s");
  EXPECT_EQ(time_text(80), "80 ns");
  EXPECT_EQ(time_text(450'000), "450 µs");
  EXPECT_EQ(time_text(12'500'000), "12.5 ms");
  EXPECT_EQ(time_text(999'999'999), "1.00 s");
  EXPECT_EQ(time_text(1'250'000'000), "1.25 s");
  EXPECT_EQ(time_text(3'600'000'000'000), "3600 s");
  EXPECT_EQ(share_text(1, 1000), "<1 %");
  EXPECT_EQ(share_text(1, 200), "<1 %");
  EXPECT_EQ(share_text(0, 0), "0 %");
  EXPECT_EQ(share_text(1, 2), "50 %");
  EXPECT_EQ(count_text(1234567),
            "1\xC2\xA0"
            "234\xC2\xA0"
            "567");
  EXPECT_EQ(counted_text(1, "vCPU"), "1 vCPU");
}

TEST(DetailTable, keeps_each_text_once_and_not_without_end) {
  DetailTable table;
  EXPECT_EQ(table.place(""), 0u);
  EXPECT_EQ(table.place("a"), 1u);
  EXPECT_EQ(table.place("b"), 2u);
  EXPECT_EQ(table.place("a"), 1u);
  for (uint32_t i = 0; i < 100'000; i++) table.place(std::to_string(i));
  EXPECT_EQ(table.place("one more"), DetailTable::kMostDetails - 1);
  EXPECT_EQ(table.place("a"), 1u);
  const auto texts = std::move(table).take();
  EXPECT_EQ(texts.size(), DetailTable::kMostDetails);
  EXPECT_EQ(texts.back(), "(too many different details to keep)");
}

TEST(TraceReport, is_about_the_triggers_vm_or_else_the_worst) {
  TraceReport report;
  for (const auto* name : {"calm", "hurt", "worse"}) {
    auto flow = vm({{FLOW_GUEST, 5}, {FLOW_HALTED, 3}});
    flow.label = flow.name = name;
    flow.time.state_ns[FLOW_THROTTLED] = (flow.name == "hurt"    ? 1
                                          : flow.name == "worse" ? 2
                                                                 : 0) *
                                         kSecond;
    report.vms.push_back({.flow = flow, .culprits = {}, .vcpus = {}, .verdict = {}});
  }
  const auto worst = judged(report);
  EXPECT_EQ(worst.vms[0].flow.name, "worse");
  EXPECT_EQ(worst.vms[2].flow.name, "calm");
  EXPECT_EQ(worst.finding,
            "worse: Its CPU quota stops it 20 % of its time (2.00 s). 1 other VM is hurt too.");
  report.trigger = {"rule", "calm", ""};
  EXPECT_EQ(
      judged(report).finding,
      "calm: Nothing hurts it: it works 62 % of its time (5.00 s). 2 other VMs are hurt too.");
  report.finding = "said already";
  EXPECT_EQ(judged(report).finding, "said already");
  EXPECT_EQ(judged({}).finding, "The trace shows no VM.");
}

TEST(TraceReport, judges_by_the_processes_that_it_shows_or_had_to_leave_out) {
  GuestProcess process;
  process.certain_ns = process.behind_ns = 10 * kSecond;
  TraceReport report;
  report.vms.push_back(
      {.flow = vm({{FLOW_GUEST, 10}}), .culprits = {}, .vcpus = {}, .verdict = {}});
  EXPECT_EQ(judged(report).vms[0].verdict.cause, Cause::kUnknown);
  report.vms[0].processes = VmProcesses{.vm = {}, .processes = {process}};
  EXPECT_EQ(judged(report).vms[0].verdict.cause, Cause::kInsideVm);
  // Of a host whose clock is not known the processes have no times.
  std::vector<HostReport> hosts = {{"a", {}}, {"b", report}};
  const std::vector<HostClock> clocks(2);
  const auto both = merged_report(hosts, clocks, {});
  ASSERT_EQ(both.vms.size(), 1u);
  EXPECT_FALSE(both.vms[0].processes);
  EXPECT_EQ(both.vms[0].verdict.cause, Cause::kInsideVm);
}

TEST(TraceReport, of_another_host_has_its_nested_guests_on_the_first_ones_clock) {
  TraceReport report;
  report.vms.push_back(
      {.flow = vm({{FLOW_GUEST, 10}}), .culprits = {}, .vcpus = {}, .verdict = {}});
  NestedVcpu vcpu{.vmcb12 = 0x7f000};
  vcpu.stretches.push_back({.begin_ns = 5000, .end_ns = 6000, .state = NestedState::kRunning});
  report.vms[0].nested = VmNested{.vm = {}, .vcpus = {vcpu}};
  std::vector<HostClock> clocks(2);
  clocks[1].quality = AlignmentQuality::kAccurate;
  clocks[1].map = {.base_ns = 0, .offset_ns = 400, .drift = 0};
  const auto known = merged_report({{"a", {}}, {"b", report}}, clocks, {});
  ASSERT_EQ(known.vms[0].nested->vcpus[0].stretches.size(), 1u);
  EXPECT_EQ(known.vms[0].nested->vcpus[0].stretches[0].begin_ns, clocks[1].map.to_a(5000));
  EXPECT_EQ(known.vms[0].nested->vcpus[0].stretches[0].end_ns, clocks[1].map.to_a(6000));
  clocks[1].quality = AlignmentQuality::kAbsent;
  const auto unknown = merged_report({{"a", {}}, {"b", report}}, clocks, {});
  EXPECT_TRUE(unknown.vms[0].nested->vcpus[0].stretches.empty());
}

// Work is no loss, but who works all the time comes before who sleeps.
TEST(TraceReport, has_its_vms_in_the_order_of_what_they_lost) {
  TraceReport report;
  for (const auto& flow : {vm({{FLOW_GUEST, 1}, {FLOW_HALTED, 9}}), vm({{FLOW_GUEST, 10}}),
                           vm({{FLOW_GUEST, 9}, {FLOW_THROTTLED, 1}})})
    report.vms.push_back({.flow = flow, .culprits = {}, .vcpus = {}, .verdict = {}});
  const auto worst = judged(report);
  EXPECT_EQ(worst.vms[0].verdict.lost_ns, kSecond);
  EXPECT_EQ(worst.vms[1].verdict.cost_ns, 10 * kSecond);
  EXPECT_EQ(worst.vms[2].verdict.cause, Cause::kNothing);
  EXPECT_EQ(worst.finding.find("hurt too"), std::string::npos) << worst.finding;
}

TEST(TraceReport, takes_vms_and_named_culprits_from_a_model) {
  FlowModel model;
  model.vms = {vm({{FLOW_READY, 1}}), vm({})};
  model.vms[1].label = "4800-8";
  model.vms[1].name = "batch";
  model.vms[0].per_vcpu = {{3, 4712, {}}};
  model.culprits = {{"4711-7", FLOW_CULPRIT_OTHER_VM, "4800-8", "", 4800, 600},
                    {"4711-7", FLOW_CULPRIT_OTHER_VM, "gone", "", 4900, 300},
                    {"4711-7", FLOW_CULPRIT_HOST_TASK, "", "backup", 99, 100},
                    {"4711-7", FLOW_CULPRIT_HOST_TASK, "", "", 97, 60},
                    {"4711-7", FLOW_CULPRIT_HOST_TASK, "", "", 98, 50}};
  const auto vms = report_vms(model);
  ASSERT_EQ(vms.size(), 2u);
  ASSERT_EQ(vms[0].culprits.size(), 4u);
  EXPECT_EQ(vms[0].culprits[0].who, "batch");
  EXPECT_EQ(vms[0].culprits[1].who, "gone") << "its label, since its name is not known";
  EXPECT_EQ(culprit_text(vms[0].culprits[2]), "a task of the host, not known which");
  EXPECT_EQ(vms[0].culprits[2].ns, 110u) << "nameless ones are one";
  EXPECT_EQ(culprit_text(vms[0].culprits[3]), "backup (pid 99)");
  EXPECT_EQ(vms[0].vcpus.at(0).vcpu_id, 3u);
  EXPECT_TRUE(vms[1].culprits.empty());
}

}  // namespace vmflow::test
