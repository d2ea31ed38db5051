// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/isolated_call.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace vmflow::test {
namespace {

constexpr std::chrono::seconds kLong{60};

bool has_children() {
  return waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
}

}  // namespace

TEST(IsolatedCall, returns_what_the_work_returns) {
  const std::string large(3 << 20, 'x');
  EXPECT_EQ(call_isolated(kLong, [] { return std::string("a\0b", 3); }), std::string("a\0b", 3));
  EXPECT_EQ(call_isolated(kLong, [] { return std::string(); }), std::string());
  EXPECT_EQ(call_isolated(kLong, [&] { return large; }), large);
  EXPECT_FALSE(has_children());
}

TEST(IsolatedCall, returns_the_error_of_the_work_and_what_it_throws) {
  const auto failed = call_isolated(kLong, [] { return failure("no daemon"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "no daemon");
  const auto thrown = call_isolated(
      kLong, []() -> Result<std::string> { throw std::runtime_error("out of luck"); });
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().message, "out of luck");
  EXPECT_FALSE(did_not_answer(thrown.error()));
}

TEST(IsolatedCall, that_hangs_costs_its_deadline_and_leaves_no_process) {
  const auto hung = call_isolated(std::chrono::milliseconds(20), []() -> Result<std::string> {
    for (;;) pause();
  });
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().message, "no answer within 20 ms");
  EXPECT_TRUE(did_not_answer(hung.error()));
  EXPECT_FALSE(has_children());
}

TEST(IsolatedCall, that_dies_is_an_error) {
  const auto killed = call_isolated(kLong, []() -> Result<std::string> {
    raise(SIGKILL);
    return "";
  });
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().message, "the call: it died of signal 9 (Killed)");
  const auto ended = call_isolated(kLong, []() -> Result<std::string> { _exit(3); });
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message, "the call: it ended with status 3");
  EXPECT_FALSE(has_children());
}

TEST(IsolatedCall, has_no_descriptor_of_this_process) {
  const int mine = open("/dev/zero", O_RDONLY);
  ASSERT_GE(mine, 0);
  const auto open_ones = call_isolated(kLong, [] {
    std::string numbers;
    for (int number = 3; number < 64; number++)
      if (fcntl(number, F_GETFD) >= 0) numbers += std::to_string(number) + " ";
    return numbers;
  });
  close(mine);
  ASSERT_TRUE(open_ones);
  // The pipe for its answer alone.
  EXPECT_EQ(std::ranges::count(*open_ones, ' '), 1) << *open_ones;
}

}  // namespace vmflow::test
