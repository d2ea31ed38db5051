// SPDX-License-Identifier: GPL-2.0-only
// Label lab: interrupts by class, against guests that know what they got.
#include <gtest/gtest.h>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

void expect_interrupts(const std::vector<std::string>& arguments, const Labels& expected) {
  Guest guest(arguments);
  guest.truth();
  const auto page = agent().scrape();
  const auto vm = page.vm_of(guest.pid());
  std::string line;
  for (const auto& one : page.find("vmflow_vm_interrupts_total", {{"vm", vm}})) {
    const auto& name = one.labels.at("class");
    if (one.value != 0) line += fmt::format(" {} {:.0f}", name, one.value);
    const auto known = expected.find(name);
    const double count = known == expected.end() ? 0 : std::stod(known->second);
    EXPECT_GE(one.value, count) << name;
    // The device goes on as long as its VM is there; else the end of a program may see one more.
    if (name != "device" || count == 0) {
      EXPECT_LE(one.value, count + 2) << name;
    }
  }
  figure("{}:{}", fmt::join(arguments, " "), line);
}

}  // namespace

TEST(Interrupts, have_the_class_of_what_raises_them) {
  expect_interrupts({"hlt", "--count", "150", "--period-us", "2000"}, {{"timer", "150"}});
  expect_interrupts({"hlt", "--count", "150", "--period-us", "2000", "--timer-vector", "53"},
                    {{"timer", "150"}});
  expect_interrupts({"irq", "--count", "150", "--period-us", "2000"}, {{"device", "150"}});
  expect_interrupts({"ipi", "--count", "150"}, {{"task", "300"}});
}

}  // namespace vmflow::lab
