// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/snapshot_command.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace vmflow::test {
namespace {

/// Answers in turn what it was given, and notes what it was asked.
class FakeAgent : public AgentClient {
 public:
  explicit FakeAgent(std::deque<Result<HttpAnswer>> answers) : answers_(std::move(answers)) {}
  Result<HttpAnswer> get(const std::string& path) override { return next("GET " + path); }
  Result<HttpAnswer> post(const std::string& path, const std::string& json) override {
    return next("POST " + path + " " + json);
  }
  std::vector<std::string> asked;

 private:
  Result<HttpAnswer> next(const std::string& what) {
    asked.push_back(what);
    if (answers_.empty()) return failure("no more answers");
    auto answer = answers_.front();
    answers_.pop_front();
    return answer;
  }
  std::deque<Result<HttpAnswer>> answers_;
};

HttpAnswer answer(int status, const std::string& json) {
  return {status, json, 0};
}

bool at_once() {
  return true;
}

TEST(SnapshotCommand, prints_the_id) {
  FakeAgent agent({answer(202, R"({"id": "the-id"})")});
  const auto outcome =
      order_snapshot(agent, {.vm = "web-1", .reason = "it \"is\" slow", .wait = false}, at_once);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "the-id\n");
  EXPECT_EQ(agent.asked,
            (std::vector<std::string>{
                R"(POST /api/v1/snapshots {"reason":"it \"is\" slow","vm":"web-1"})"}));
}

TEST(SnapshotCommand, waits_until_it_is_complete_and_prints_the_folder) {
  FakeAgent agent({answer(202, R"({"id": "the-id"})"), answer(200, R"({"state": "recording"})"),
                   answer(200, R"({"state": "complete", "folder": "/f/the-id"})")});
  const auto outcome = order_snapshot(agent, {.vm = "", .reason = "", .wait = true}, at_once);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "/f/the-id\n");
  EXPECT_EQ(agent.asked.at(0), "POST /api/v1/snapshots {}");
  EXPECT_EQ(agent.asked.at(2), "GET /api/v1/snapshots/the-id");
}

TEST(SnapshotCommand, what_goes_wrong_is_said_in_one_line_with_status_1) {
  struct Wrong {
    std::deque<Result<HttpAnswer>> answers;
    std::string says;
  };
  const auto accepted = answer(202, R"({"id": "the-id"})");
  for (const auto& [answers, says] :
       {Wrong{{failure("no answer from there")}, "no answer from there"},
        Wrong{{answer(403, R"({"error": "start it with --web.enable-admin-api"})")},
              "start it with --web.enable-admin-api"},
        Wrong{{answer(404, "<html>")}, "status 404: is this the address of a vmflowd?"},
        Wrong{{answer(202, "<html>")}, "status 202: is this the address of a vmflowd?"},
        Wrong{{accepted, answer(200, R"({"state": "failed", "error": "disk full"})")}, "disk full"},
        Wrong{{accepted, answer(200, "[]")}, "status 200"},
        Wrong{{accepted, answer(404, R"({"error": "no such snapshot"})")}, "no such snapshot"}}) {
    FakeAgent agent(answers);
    const auto outcome = order_snapshot(agent, {.vm = "", .reason = "", .wait = true}, at_once);
    EXPECT_EQ(outcome.status, 1) << says;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("vmflow: "));
    EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
  }
}

TEST(SnapshotCommand, does_not_wait_for_ever) {
  FakeAgent agent({answer(202, R"({"id": "the-id"})"), answer(200, R"({"state": "recording"})")});
  const auto outcome =
      order_snapshot(agent, {.vm = "", .reason = "", .wait = true}, [] { return false; });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("not complete yet"), std::string::npos);
}

TEST(SnapshotCommand, the_address_must_be_one) {
  EXPECT_EQ(checked_url("http://127.0.0.1:9752/").value_or(""), "http://127.0.0.1:9752");
  EXPECT_TRUE(checked_url("https://[::1]:9752"));
  for (const auto* url : {"", "localhost:9752", "ftp://x", "http://", "http://a b", "http://a/b"})
    EXPECT_FALSE(checked_url(url)) << url;
}

}  // namespace
}  // namespace vmflow::test
