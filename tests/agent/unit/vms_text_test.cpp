// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/vms_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/agent/unit/top_rows.h"

namespace vmflow::test {
namespace {

VmsLook two_vms() {
  auto web = vm("9f3c", {});
  web.name = "web-1";
  web.vmm = "qemu";
  web.use = "in_use";
  web.use_sentence = "12.0 % of a CPU for 5 min";
  web.cause = "colocated_vm";
  web.cause_share = 0.5;
  web.sentence = "A co-located VM slows it.";
  auto bare = vm("4711-99", {});
  bare.name = "";
  bare.start_unix_seconds.reset();
  return {1.0, {web, bare}};
}

TEST(VmsText, a_vm_is_a_line) {
  EXPECT_EQ(
      vms_text(two_vms()),
      "LABEL    NAME   PID   VCPU  SINCE                 USE     CAUSE         WHY\n"
      "9f3c     web-1  4711  2     2023-11-14T22:13:20Z  in_use  colocated_vm  A co-located VM "
      "slows it.\n"
      "4711-99  -      4711  2     -                     -       -             -\n");
}

TEST(VmsText, names_cannot_break_the_terminal) {
  auto look = two_vms();
  look.vms[0].name = "a\x1b]0;owned\x07\n" + std::string(500, 'x');
  const auto text = vms_text(look);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  EXPECT_NE(text.find("x~"), std::string::npos);
}

TEST(VmsText, json_has_null_for_what_is_not_said) {
  const auto json = nlohmann::json::parse(vms_json(two_vms()));
  EXPECT_EQ(json[0], (nlohmann::json{{"id", "9f3c"},
                                     {"name", "web-1"},
                                     {"vmm", "qemu"},
                                     {"pid", 4711},
                                     {"vcpus", 2},
                                     {"since", "2023-11-14T22:13:20Z"},
                                     {"use", "in_use"},
                                     {"use_sentence", "12.0 % of a CPU for 5 min"},
                                     {"cause", "colocated_vm"},
                                     {"share", 0.5},
                                     {"sentence", "A co-located VM slows it."}}));
  EXPECT_TRUE(json[1]["since"].is_null());
  EXPECT_TRUE(json[1]["cause"].is_null());
}

}  // namespace
}  // namespace vmflow::test
