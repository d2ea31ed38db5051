// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/doctor_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/cli/cell_text.h"
#include "agent/cli/doctor_host.h"
#include "doctor_tree.h"

namespace vmflow {
namespace {

class PageAgent : public AgentClient {
 public:
  explicit PageAgent(std::string page) : page_(std::move(page)) {}
  Result<HttpAnswer> get(const std::string& path) override {
    if (path == "/metrics") return HttpAnswer{200, page_, 0};
    return HttpAnswer{path == "/-/ready" ? 200 : 404, "", 0};
  }
  Result<HttpAnswer> post(const std::string&, const std::string&) override {
    return failure("doctor changes nothing");
  }

 private:
  std::string page_;
};

TEST(DoctorText, says_first_whether_the_host_is_fit) {
  DoctorTree tree;
  EXPECT_TRUE(doctor_text(examine(tree.host), {})
                  .starts_with("This host has everything that vmflow can use.\n\nkernel\n ok    "));
  tree.write("proc/sys/kernel/task_delayacct", "0\n");
  EXPECT_TRUE(doctor_text(examine(tree.host), {})
                  .starts_with("This host has everything that vmflow needs; one thing could be "
                               "better.\n"));
  tree.without_kvm();
  tree.host.agent->problem = "no answer";
  EXPECT_TRUE(doctor_text(examine(tree.host), {})
                  .starts_with("vmflow cannot measure here yet: KVM, vmflowd.\n"));
}

TEST(DoctorText, an_agent_that_does_not_answer_is_said_once) {
  DoctorTree tree;
  tree.host.agent->problem = "no answer";
  const auto results = examine(tree.host);
  EXPECT_TRUE(doctor_text(results, {}).ends_with("       $ vmflowd &\n"));
  EXPECT_NE(doctor_json(results).find("agent_losses"), std::string::npos);
}

TEST(DoctorText, has_the_remedy_on_one_line_beneath_its_row) {
  DoctorTree tree;
  tree.without_kvm();
  const auto text = doctor_text(examine(tree.host), {.only_problems = true});
  EXPECT_NE(text.find("\nkvm\n"
                      " FAIL  KVM            not loaded; vmflowd attaches when it is\n"
                      "                      Without KVM there is nothing to measure.\n"
                      "       $ modprobe kvm_amd\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find(" ok "), std::string::npos);
}

TEST(DoctorText, no_line_but_a_remedy_is_wider_than_the_terminal) {
  DoctorTree tree;
  tree.host.root /= "nothing";
  tree.host.settings = failure(std::string(3000, 'x'));
  for (const size_t width : {40, 80}) {
    std::istringstream lines(doctor_text(examine(tree.host), {.width = width}));
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("       $ ")) {
        EXPECT_LE(cell_width(line), std::max<size_t>(width, 42)) << line;
      }
  }
}

TEST(DoctorText, shows_nothing_that_a_terminal_would_obey) {
  DoctorTree tree;
  tree.write("proc/sys/kernel/osrelease", "6.1\x1b[2J\n");
  tree.host.snapshots.folder = "/a\x1b]0;b\x07\nc";
  tree.host.agent->lines = {"vmflow_build_info{version=\"\x1b[31m\",revision=\"\xff\"} 1"};
  const auto results = examine(tree.host);
  EXPECT_EQ(doctor_text(results, {}).find('\x1b'), std::string::npos);
  EXPECT_FALSE(nlohmann::json::parse(doctor_json(results), nullptr, false).is_discarded());
  EXPECT_NE(doctor_text(results, {.colour = true}).find("\x1b[32mok  \x1b[0m"), std::string::npos);
}

TEST(DoctorText, json_has_every_row) {
  DoctorTree tree;
  tree.without_kvm();
  const auto json = nlohmann::json::parse(doctor_json(examine(tree.host)));
  EXPECT_EQ(json["schema"], "vmflow_doctor");
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["fit"], false);
  EXPECT_EQ(json["checks"].size(), doctor_checks().size());
  for (const auto& check : json["checks"]) {
    if (check["id"] != "kvm") continue;
    EXPECT_EQ(check["state"], "missing");
    EXPECT_EQ(check["need"], "required");
    EXPECT_EQ(check["remedy"], "modprobe kvm_amd");
  }
}

TEST(DoctorText, of_an_agents_page_only_what_is_read_is_kept) {
  PageAgent agent("# HELP vmflow_vms x\nvmflow_vms 3\nvmflow_vm_info{name=\"vmflow_vms 9\"} 1\n");
  const auto words = agent_words(agent);
  EXPECT_EQ(words.lines, std::vector<std::string>{"vmflow_vms 3"});
  EXPECT_TRUE(words.is_ready);
}

}  // namespace
}  // namespace vmflow
