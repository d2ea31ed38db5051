// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bpf/nested_tables.h"

namespace vmflow::test {
namespace {

// SVM: the code is the exit index.
constexpr uint64_t kCpuid = 0x72, kHlt = 0x78, kVmrun = 0x80, kIntr = 0x60;
// VMX basic exit reasons.
constexpr uint64_t kVmxCpuid = 10, kVmxVmlaunch = 20, kVmxVmresume = 24;
constexpr uint64_t kA = 0x1000, kB = 0x2000;

flow_step entry(uint64_t at) {
  return {at, STEP_ENTRY, 0, 0};
}
flow_step exit_to(uint64_t at, uint64_t index) {
  return {at, STEP_EXIT, index == kHlt, index};
}
flow_step enter(uint64_t at, uint64_t vmcb12) {
  return {at, STEP_NESTED_ENTER, 0, vmcb12};
}
flow_step from_l2(uint64_t at) {
  return {at, STEP_NESTED_EXIT, 0, 0};
}
flow_step to_l1(uint64_t at, uint64_t index, uint32_t is_vmx = 0) {
  return {at, STEP_NESTED_REFLECT, is_vmx, index};
}
flow_step out(uint64_t at, uint64_t state) {
  return {at, STEP_OUT, 0, state};
}
flow_step woken(uint64_t at) {
  return {at, STEP_WAKE, 0, 4711};
}
flow_step in_kvm(uint64_t at) {
  return {at, STEP_IN, 0, 1};
}
flow_step halt_end(uint64_t at) {
  return {at, STEP_HALT_END, 1, 0};
}

}  // namespace

const std::vector<NestedTable>& nested_tables() {
  static const std::vector<NestedTable> tables = {
      {"a_vcpu_that_runs_no_guest_is_all_rest",
       {entry(100), exit_to(150, kCpuid), entry(170)},
       {},
       {.rest = 50 + 20}},
      {"an_exit_that_l0_handles_never_leaves_l2s_book",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kIntr),
        from_l2(271), entry(290), exit_to(390, kCpuid), from_l2(391), to_l1(400, kCpuid),
        entry(410)},
       {{.vmcb12 = kA,
         .l0 = 20 + 20 + 10,
         .l2 = 100 + 100,
         .entries = 1,
         .exits = {{kIntr, 1, 0}, {kCpuid, 0, 1}}}},
       {.l0 = 50, .l2 = 200, .rest = 50, .pending = 10}},
      {"what_l1_does_until_it_enters_the_same_guest_again_is_that_guests",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kCpuid),
        from_l2(271), to_l1(280, kCpuid), entry(290), exit_to(320, kIntr), entry(325),
        exit_to(340, kVmrun), enter(345, kA), entry(360), exit_to(460, kCpuid), from_l2(461),
        to_l1(470, kCpuid), entry(480)},
       {{.vmcb12 = kA,
         .l0 = 20 + 10 + 10 + 5 + 20 + 10,
         .l1 = 30 + 15,
         .l2 = 100 + 100,
         .entries = 2,
         .exits = {{kCpuid, 0, 2}}}},
       {.l0 = 75, .l1 = 45, .l2 = 200, .rest = 50, .pending = 10}},
      {"it_is_pending_until_then",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kCpuid),
        from_l2(271), to_l1(280, kCpuid), entry(290), exit_to(320, kIntr), entry(325)},
       {{.vmcb12 = kA, .l0 = 20 + 10, .l2 = 100, .entries = 1, .exits = {{kCpuid, 0, 1}}}},
       {.l0 = 30, .l2 = 100, .rest = 50, .pending = 10 + 30 + 5}},
      {"unless_l1_halts_in_between",
       {entry(100),
        exit_to(150, kVmrun),
        enter(155, kA),
        entry(170),
        exit_to(270, kHlt),
        from_l2(271),
        to_l1(280, kHlt),
        entry(290),
        exit_to(320, kHlt),
        out(330, FLOW_HALTED),
        woken(500),
        in_kvm(510),
        halt_end(515),
        entry(520),
        exit_to(540, kVmrun),
        enter(545, kA),
        entry(550),
        exit_to(560, kCpuid),
        from_l2(561),
        to_l1(570, kCpuid),
        entry(575)},
       {{.vmcb12 = kA,
         .l0 = 20 + 10 + 10 + 10,
         .l2 = 100 + 10,
         .entries = 2,
         .exits = {{kCpuid, 0, 1}, {kHlt, 0, 1}}}},
       {.l0 = 50, .l2 = 110, .rest = 50 + 10 + 30 + 10 + 170 + 10 + 10 + 20, .pending = 5}},
      {"or_enters_another",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kCpuid),
        from_l2(271), to_l1(280, kCpuid), entry(290), exit_to(320, kVmrun), enter(325, kB),
        entry(330), exit_to(430, kCpuid), from_l2(431), to_l1(440, kCpuid), entry(450),
        exit_to(455, kVmrun), enter(460, kB), entry(470)},
       {{.vmcb12 = kA, .l0 = 20 + 10, .l2 = 100, .entries = 1, .exits = {{kCpuid, 0, 1}}},
        {.vmcb12 = kB,
         .l0 = 10 + 10 + 10,
         .l1 = 5,
         .l2 = 100,
         .entries = 2,
         .exits = {{kCpuid, 0, 1}}}},
       {.l0 = 30 + 30 + 15, .l1 = 5, .l2 = 200, .rest = 50 + 10 + 30}},
      {"two_guests_at_once_have_a_book_each",
       {entry(100),           exit_to(110, kVmrun),
        enter(115, kA),       entry(120),
        exit_to(130, kIntr),  from_l2(131),
        to_l1(135, kIntr),    entry(140),
        exit_to(150, kVmrun), enter(155, kB),
        entry(160),           exit_to(190, kIntr),
        from_l2(191),         to_l1(195, kIntr),
        entry(200),           exit_to(210, kVmrun),
        enter(215, kA),       entry(220),
        exit_to(260, kCpuid), from_l2(261),
        to_l1(265, kCpuid),   entry(270)},
       {{.vmcb12 = kA,
         .l0 = 10 + 5 + 10 + 5,
         .l2 = 10 + 40,
         .entries = 2,
         .exits = {{kIntr, 0, 1}, {kCpuid, 0, 1}}},
        {.vmcb12 = kB, .l0 = 10 + 5, .l2 = 30, .entries = 1, .exits = {{kIntr, 0, 1}}}},
       {.l0 = 45, .l2 = 80, .rest = 10 + 5 + 10 + 5 + 10, .pending = 5}},
      {"an_interrupt_for_l1_makes_an_exit_of_its_own_reason",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kCpuid),
        from_l2(271), to_l1(280, kIntr), entry(290)},
       {{.vmcb12 = kA, .l0 = 20 + 10, .l2 = 100, .entries = 1, .exits = {{kIntr, 0, 1}}}},
       {.l0 = 30, .l2 = 100, .rest = 50, .pending = 10}},
      {"a_guest_that_kvm_refuses_to_enter_has_no_exit",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), to_l1(160, FLOW_EXIT_OUT_OF_RANGE),
        entry(170)},
       {{.vmcb12 = kA, .l0 = 10, .entries = 1}},
       {.l0 = 10, .rest = 50, .pending = 10}},
      {"a_preempted_l2_is_still_in_l2",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), out(270, FLOW_READY),
        in_kvm(300), exit_to(310, kIntr), from_l2(311), entry(320)},
       {{.vmcb12 = kA, .entries = 1, .exits = {{kIntr, 1, 0}}}},
       {.l0 = 20 + 10 + 10, .l2 = 100, .rest = 50 + 30}},
      {"a_vcpu_found_in_l2_is_there_from_its_first_exit_on",
       {entry(100), exit_to(150, kIntr), from_l2(151), entry(170), exit_to(270, kCpuid),
        from_l2(271), to_l1(280, kCpuid), entry(290), exit_to(320, kVmrun), enter(325, kA),
        entry(340)},
       {{.vmcb12 = kA, .entries = 1}},
       {.l0 = 20 + 10 + 20, .l2 = 100, .rest = 50 + 10 + 30}},
      {"a_missed_exit_to_l1_shows_at_the_next_exit",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kCpuid),
        from_l2(271), entry(290), exit_to(320, kIntr), entry(330), exit_to(340, kHlt)},
       {{.vmcb12 = kA, .entries = 1, .exits = {{kCpuid, 1, 0}}}},
       {.l0 = 20 + 20, .l2 = 100 + 30, .rest = 50 + 10 + 10},
       1},
      {"a_missed_exit_to_l1_shows_at_the_next_nested_entry",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kCpuid),
        from_l2(271), exit_to(320, kVmrun), enter(325, kA), entry(340)},
       {{.vmcb12 = kA, .l0 = 20 + 50, .l2 = 100, .entries = 2}},
       {.l0 = 20 + 50 + 20, .l2 = 100, .rest = 50},
       1},
      {"a_missed_nested_entry_shows_at_the_next_exit",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kCpuid),
        from_l2(271), to_l1(280, kCpuid), entry(290), exit_to(320, kVmrun), entry(340),
        exit_to(350, kCpuid), from_l2(351), to_l1(360, kCpuid), entry(365)},
       {{.vmcb12 = kA, .l0 = 20 + 10, .l2 = 100, .entries = 1, .exits = {{kCpuid, 0, 1}}}},
       {.l0 = 30 + 10, .l2 = 100, .rest = 50 + 10 + 30 + 20 + 10, .pending = 5},
       1},
      {"an_l3_is_a_reflected_vmrun",
       {entry(100), exit_to(150, kVmrun), enter(155, kA), entry(170), exit_to(270, kVmrun),
        from_l2(271), to_l1(280, kVmrun), entry(290), exit_to(300, kVmrun), enter(305, kB),
        entry(310), exit_to(320, kCpuid), from_l2(321), to_l1(325, kCpuid), entry(330)},
       {{.vmcb12 = kA,
         .l0 = 20 + 10,
         .l2 = 100,
         .entries = 1,
         .deeper = 1,
         .exits = {{kVmrun, 0, 1}}},
        {.vmcb12 = kB, .l0 = 10 + 5, .l2 = 10, .entries = 1, .exits = {{kCpuid, 0, 1}}}},
       {.l0 = 45, .l2 = 110, .rest = 50 + 10 + 10, .pending = 5}},
      {"on_vmx_it_is_a_reflected_vmlaunch_or_vmresume",
       {entry(100),
        exit_to(150, kVmxVmlaunch),
        enter(155, kA),
        entry(170),
        exit_to(270, kVmxVmlaunch),
        from_l2(271),
        to_l1(280, kVmxVmlaunch, 1),
        entry(290),
        exit_to(300, kVmxVmresume),
        enter(305, kA),
        entry(310),
        exit_to(320, kVmxVmresume),
        from_l2(321),
        to_l1(325, kVmxVmresume, 1),
        entry(330),
        exit_to(335, kVmxVmresume),
        enter(336, kA),
        entry(340),
        exit_to(350, kVmxCpuid),
        from_l2(351),
        to_l1(355, kVmxCpuid, 1),
        entry(360)},
       {{.vmcb12 = kA,
         .l0 = 20 + 10 + 10 + 10 + 5 + 5 + 5 + 5,
         .l1 = 10 + 5,
         .l2 = 100 + 10 + 10,
         .entries = 3,
         .deeper = 2,
         .exits = {{kVmxCpuid, 0, 1}, {kVmxVmlaunch, 0, 1}, {kVmxVmresume, 0, 1}}}},
       {.l0 = 70, .l1 = 15, .l2 = 120, .rest = 50, .pending = 5}},
  };
  return tables;
}

std::vector<NestedBook> books_of(const nested_play& play) {
  std::vector<NestedBook> books;
  for (const auto& book : play.book) {
    if (book.vmcb12 == 0) continue;
    NestedBook one{book.vmcb12, book.l0_ns, book.l1_ns, book.l2_ns, book.entries, book.deeper, {}};
    for (uint64_t i = 0; i < NESTED_BOOK_EXITS; i++)
      if (book.handled[i] != 0 || book.reflected[i] != 0)
        one.exits.push_back({i, book.handled[i], book.reflected[i]});
    books.push_back(std::move(one));
  }
  return books;
}

NestedLevels levels_of(const nested_play& play) {
  // As a reader does: what has been added since the last step is dealt out too.
  auto n = play.nested;
  nested_deal(&n, play.flow.ns);
  return {.l0 = n.level_ns[FLOW_L0],
          .l1 = n.level_ns[FLOW_L1],
          .l2 = n.level_ns[FLOW_L2],
          .rest = n.level_ns[FLOW_LEVEL_REST],
          .pending = n.pending_l0_ns + n.pending_l1_ns};
}

}  // namespace vmflow::test
