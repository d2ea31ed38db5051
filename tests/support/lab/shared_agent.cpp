// SPDX-License-Identifier: GPL-2.0-only
#include "shared_agent.h"

#include <gtest/gtest.h>

#include <memory>

namespace vmflow::lab {
namespace {

std::unique_ptr<AgentProcess> shared;

class StartAgent : public testing::Environment {
 public:
  void SetUp() override {
    keep_to_first_cpu();
    shared = std::make_unique<AgentProcess>(std::vector<std::string>{"--collector.vcpu.per-vcpu"});
    shared->wait_until_ready();
  }
  void TearDown() override {
    EXPECT_EQ(shared->stop().status, 0);
    shared.reset();
  }
};

}  // namespace

bool share_one_agent() {
  testing::AddGlobalTestEnvironment(
      std::make_unique<StartAgent>().release());  // GoogleTest owns it
  return true;
}

AgentProcess& agent() {
  return *shared;
}

}  // namespace vmflow::lab
