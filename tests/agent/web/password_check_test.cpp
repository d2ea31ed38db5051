// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/password_check.h"

#include <crypt.h>
#include <gtest/gtest.h>

#include <ctime>

namespace vmflow {
namespace {

using Users = std::map<std::string, std::string>;

std::string hash_of(const std::string& password, const std::string& cost = "05") {
  crypt_data work{};
  return crypt_r(password.c_str(), ("$2y$" + cost + "$abcdefghijklmnopqrstuu").c_str(), &work);
}

double cpu_seconds(PasswordCheck& check, const Credentials& who) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double begin = now();
  EXPECT_FALSE(check.verify(who));
  return now() - begin;
}

TEST(PasswordCheck, a_hash_that_other_programs_have_made_is_understood) {
  // Of exporter-toolkit's documentation and tests.
  PasswordCheck check(
      Users{{"fake", "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"}});
  EXPECT_TRUE(check.verify({"fake", "fakepassword"}));
  EXPECT_FALSE(check.verify({"fake", "fakepassword "}));
}

TEST(PasswordCheck, only_the_right_password_of_a_user_is_right) {
  PasswordCheck check(Users{{"eva", hash_of("correct horse")}, {"bob", hash_of("battery")}});
  EXPECT_TRUE(check.is_needed());
  EXPECT_TRUE(check.verify({"eva", "correct horse"}));
  EXPECT_TRUE(check.verify({"bob", "battery"}));
  EXPECT_FALSE(check.verify({"eva", "battery"}));
  EXPECT_FALSE(check.verify({"eva", ""}));
  EXPECT_FALSE(check.verify({"", "correct horse"}));
  EXPECT_FALSE(check.verify({"mallory", "correct horse"}));
  EXPECT_FALSE(check.verify({"eva", std::string("correct horse\0", 14)}));
}

TEST(PasswordCheck, what_was_right_is_remembered_and_nothing_else) {
  PasswordCheck check(Users{{"eva", hash_of("correct horse")}});
  EXPECT_FALSE(check.remembers({"eva", "correct horse"}));
  EXPECT_FALSE(check.verify({"eva", "wrong"}));
  EXPECT_FALSE(check.remembers({"eva", "wrong"}));
  EXPECT_TRUE(check.verify({"eva", "correct horse"}));
  EXPECT_TRUE(check.remembers({"eva", "correct horse"}));
  EXPECT_FALSE(check.remembers({"eva", "correct horsE"}));
  EXPECT_FALSE(check.remembers({"evac", "orrect horse"}));
}

TEST(PasswordCheck, who_is_not_a_user_finds_out_as_slowly) {
  PasswordCheck check(
      Users{{"eva", hash_of("correct horse", "09")}, {"bob", hash_of("battery", "05")}});
  const double known = cpu_seconds(check, {"eva", "wrong"});
  const double unknown = cpu_seconds(check, {"mallory", "wrong"});
  EXPECT_GT(unknown, known * 0.6);
  EXPECT_LT(unknown, known * 1.7);
}

TEST(PasswordCheck, a_header_is_read) {
  const auto who = basic_credentials("bAsIc ZXZhOmE6Yg==");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->user, "eva");
  EXPECT_EQ(who->password, "a:b");
  EXPECT_EQ(basic_credentials("Basic Og==")->user, "");
  for (const auto* text :
       {"", "Basic", "Basic ", "Bearer ZXZhOmE=", "Basic ZXZh", "Basic ===", "Basic Z",
        "Basic ****", "Basic ZXZhOmE=\x01", "Basic ====", "Basic =a=="})
    EXPECT_FALSE(basic_credentials(text)) << text;
  EXPECT_FALSE(basic_credentials("Basic " + std::string(10'000, 'A')));
}

}  // namespace
}  // namespace vmflow
