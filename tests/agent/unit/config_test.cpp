// SPDX-License-Identifier: GPL-2.0-only
#include "agent/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <tuple>
#include <variant>
#include <vector>

#include "tests/agent/unit/temporary_folder.h"

namespace vmflow {

bool operator==(const Config& a, const Config& b) {
  const auto all = [](const Config& c) {
    return std::tie(c.listen_host, c.listen_port, c.telemetry_path, c.max_vcpus, c.max_series,
                    c.per_vcpu, c.vm_wait_histograms, c.culprit_irq, c.user, c.log_level,
                    c.log_format);
  };
  return all(a) == all(b);
}

namespace test {
namespace {

using Arguments = std::vector<std::string>;

auto parse(const Arguments& arguments) {
  std::vector<const char*> argv = {"vmflowd"};
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  return parse_command_line(static_cast<int>(argv.size()), argv.data());
}

Config config_of(const Arguments& arguments) {
  const auto parsed = parse(arguments);
  if (parsed && std::holds_alternative<Config>(*parsed)) return std::get<Config>(*parsed);
  ADD_FAILURE() << (parsed ? "text, no configuration" : parsed.error().message);
  return {};
}

PrintAndExit text_of(const Arguments& arguments) {
  const auto parsed = parse(arguments);
  if (parsed && std::holds_alternative<PrintAndExit>(*parsed))
    return std::get<PrintAndExit>(*parsed);
  ADD_FAILURE() << (parsed ? "a configuration, no text" : parsed.error().message);
  return {};
}

/// An operator sees one line in a log: it must be one, and name the thing.
void expect_one_line_naming(const std::string& message, const std::string& thing) {
  EXPECT_FALSE(message.empty());
  EXPECT_EQ(std::ranges::count(message, '\n'), 0) << message;
  EXPECT_NE(message.find(thing), std::string::npos) << message << "\n does not name " << thing;
}

struct Wrong {
  std::string name;
  Arguments arguments;
  std::string names;  // what the error must name
};

void PrintTo(const Wrong& wrong, std::ostream* os) {
  *os << wrong.name;
}

TEST(Config, nothing_set_leaves_the_defaults) {
  EXPECT_EQ(config_of({}), (Config{.listen_host = "127.0.0.1",
                                   .listen_port = 9752,
                                   .telemetry_path = "/metrics",
                                   .max_vcpus = 4096,
                                   .max_series = 20'000,
                                   .per_vcpu = false,
                                   .log_level = "info",
                                   .log_format = "text"}));
}

TEST(Config, every_flag_sets_its_value) {
  EXPECT_EQ(config_of({"--web.listen-address", "10.0.0.1:80", "--web.telemetry-path", "/m",
                       "--max-vcpus", "8", "--web.max-series", "9000", "--collector.vcpu.per-vcpu",
                       "--collector.vm.wait-histograms", "--collector.culprit.irq", "--user",
                       "monitor", "--log.level", "debug", "--log.format", "json"}),
            (Config{.listen_host = "10.0.0.1",
                    .listen_port = 80,
                    .telemetry_path = "/m",
                    .max_vcpus = 8,
                    .max_series = 9000,
                    .per_vcpu = true,
                    .vm_wait_histograms = true,
                    .culprit_irq = true,
                    .user = "monitor",
                    .log_level = "debug",
                    .log_format = "json"}));
}

TEST(Config, what_vmflowd_may_cost_is_a_percentage) {
  EXPECT_EQ(config_of({}).overhead_budget, 0.005);
  EXPECT_TRUE(config_of({}).overhead_budget_is_default);
  EXPECT_EQ(config_of({"--overhead.budget", "auto"}).overhead_budget, 0.005);
  EXPECT_FALSE(config_of({"--overhead.budget", "off"}).overhead_budget);
  EXPECT_FALSE(config_of({"--overhead.budget", "0.5"}).overhead_budget_is_default);
  const std::pair<const char*, double> shares[] = {
      {"2", 0.02}, {"0.5%", 0.005}, {"1e-3 %", 1e-5}, {"0", 0}, {"100%", 1}};
  for (const auto& [text, share] : shares)
    EXPECT_DOUBLE_EQ(config_of({"--overhead.budget", text}).overhead_budget.value_or(-1), share)
        << text;
  Config config;
  for (const char* json : {R"({"overhead.budget": 0.25})", R"({"overhead.budget": "0.25%"})"}) {
    ASSERT_TRUE(apply_json(json, config)) << json;
    EXPECT_DOUBLE_EQ(config.overhead_budget.value_or(-1), 0.0025) << json;
    config = {};
  }
}

TEST(Config, a_libvirt_of_this_host_may_be_asked) {
  EXPECT_EQ(config_of({}).libvirt_uri, "auto");
  for (const auto* uri : {"auto", "off", "qemu:///system", "qemu+unix:///system?socket=/run/x"})
    EXPECT_EQ(config_of({"--libvirt.uri", uri}).libvirt_uri, uri);
  EXPECT_EQ(config_of({"--libvirt.interval-seconds", "3600"}).libvirt_interval_seconds, 3600u);
}

TEST(Config, a_flag_takes_its_value_after_an_equals_sign_too) {
  EXPECT_EQ(config_of({"--max-vcpus=8"}).max_vcpus, 8u);
}

TEST(Config, listen_addresses_of_every_form_are_taken_apart) {
  struct Address {
    std::string text, host;
    int port;
  };
  for (const auto& [text, host, port] : {Address{"127.0.0.1:1", "127.0.0.1", 1},
                                         {"localhost:65535", "localhost", 65535},
                                         {"[::1]:9752", "::1", 9752},
                                         {":9752", "0.0.0.0", 9752}}) {
    const auto config = config_of({"--web.listen-address", text});
    EXPECT_EQ(config.listen_host, host) << text;
    EXPECT_EQ(config.listen_port, port) << text;
  }
}

TEST(Config, the_limits_of_max_vcpus_are_inside) {
  EXPECT_EQ(config_of({"--max-vcpus", "1"}).max_vcpus, 1u);
  EXPECT_EQ(config_of({"--max-vcpus", "1048576"}).max_vcpus, 1048576u);
}

TEST(Config, every_key_of_the_file_sets_its_value) {
  Config config;
  ASSERT_TRUE(apply_json(R"({"web.listen-address": "10.0.0.1:80", "web.telemetry-path": "/m",
                             "max-vcpus": 8, "web.max-series": 1000,
                             "collector.vcpu.per-vcpu": true, "log.level": "error", "log.format": "json"})",
                         config));
  EXPECT_EQ(config, (Config{.listen_host = "10.0.0.1",
                            .listen_port = 80,
                            .telemetry_path = "/m",
                            .max_vcpus = 8,
                            .max_series = 1000,
                            .per_vcpu = true,
                            .log_level = "error",
                            .log_format = "json"}));
}

TEST(Config, a_flag_wins_over_the_file) {
  TemporaryFolder folder;
  const auto file = folder.write(
      "vmflow.json", R"({"max-vcpus": 8, "log.level": "warn", "collector.vcpu.per-vcpu": true})");
  const auto config =
      config_of({"--max-vcpus", "9", "--config.file", file, "--collector.vcpu.per-vcpu=false"});
  EXPECT_EQ(config.max_vcpus, 9u);
  EXPECT_EQ(config.log_level, "warn");
  EXPECT_FALSE(config.per_vcpu);
}

TEST(Config, an_empty_object_changes_nothing) {
  Config config{.max_vcpus = 8};
  ASSERT_TRUE(apply_json("{}", config));
  EXPECT_EQ(config, Config{.max_vcpus = 8});
}

class WrongFlags : public testing::TestWithParam<Wrong> {};

TEST_P(WrongFlags, are_refused_in_one_line_that_names_them) {
  const auto parsed = parse(GetParam().arguments);
  ASSERT_FALSE(parsed);
  expect_one_line_naming(parsed.error().message, GetParam().names);
}

INSTANTIATE_TEST_SUITE_P(
    Config, WrongFlags,
    testing::Values(
        Wrong{"unknown_flag", {"--max-vcpu", "8"}, "--max-vcpu"},
        Wrong{"stray_argument", {"start"}, "start"},
        Wrong{"value_missing", {"--max-vcpus"}, "--max-vcpus"},
        Wrong{"no_number", {"--max-vcpus", "many"}, "--max-vcpus"},
        Wrong{"too_short_idle_window",
              {"--idle.window-seconds", "9"},
              "idle.window-seconds: 9 is not between 10 and 86400"},
        Wrong{"too_few_series", {"--web.max-series", "99"}, "web.max-series: 99 "},
        Wrong{"too_many_series", {"--web.max-series", "1000001"}, "web.max-series: 1000001"},
        Wrong{"number_too_small", {"--max-vcpus", "0"}, "max-vcpus: 0"},
        Wrong{"number_below_zero", {"--max-vcpus=-1"}, "max-vcpus: -1"},
        Wrong{"number_too_large", {"--max-vcpus", "1048577"}, "max-vcpus: 1048577"},
        Wrong{"budget_of_more_than_all", {"--overhead.budget", "101%"}, "overhead.budget: '101%'"},
        Wrong{"budget_below_zero", {"--overhead.budget=-1"}, "overhead.budget: '-1'"},
        Wrong{"budget_that_is_no_number", {"--overhead.budget", "nan"}, "overhead.budget: 'nan'"},
        Wrong{"budget_with_a_tail", {"--overhead.budget", "1%%"}, "overhead.budget: '1%%'"},
        Wrong{"libvirt_elsewhere", {"--libvirt.uri", "qemu+ssh://host/system"}, "libvirt.uri"},
        Wrong{"libvirt_by_a_command",
              {"--libvirt.uri", "qemu+ext:///system?command=/bin/sh"},
              "libvirt.uri"},
        Wrong{"libvirt_all_the_time",
              {"--libvirt.interval-seconds", "0"},
              "libvirt.interval-seconds: 0"},
        Wrong{"number_beyond_64_bits", {"--max-vcpus", "99999999999999999999"}, "max-vcpus"},
        Wrong{"address_without_port", {"--web.listen-address", "localhost"}, "'localhost'"},
        Wrong{"port_zero", {"--web.listen-address", "a:0"}, "'a:0'"},
        Wrong{"port_too_large", {"--web.listen-address", "a:65536"}, "'a:65536'"},
        Wrong{"port_with_a_tail", {"--web.listen-address", "a:80x"}, "'a:80x'"},
        Wrong{"port_missing", {"--web.listen-address", "a:"}, "'a:'"},
        Wrong{"path_without_slash", {"--web.telemetry-path", "metrics"}, "'metrics'"},
        Wrong{"path_empty", {"--web.telemetry-path", ""}, "web.telemetry-path"},
        Wrong{"path_of_the_index", {"--web.telemetry-path", "/"}, "web.telemetry-path"},
        Wrong{"path_of_health", {"--web.telemetry-path", "/-/healthy"}, "'/-/healthy'"},
        Wrong{"level_unknown", {"--log.level", "loud"}, "log.level: 'loud'"},
        Wrong{"format_unknown", {"--log.format", "xml"}, "log.format: 'xml'"},
        Wrong{
            "ring_of_no_power_of_two", {"--trace.ring-mib-per-cpu", "12"}, "ring-mib-per-cpu: 12"},
        Wrong{"ring_of_nothing", {"--trace.ring-mib-per-cpu", "0"}, "ring-mib-per-cpu: 0"},
        Wrong{"user_that_is_no_name", {"--user", "a b\nc"}, "user: 'a b"},
        Wrong{"file_missing", {"--config.file", "/no/such/file"}, "'/no/such/file'"},
        Wrong{"check_does_not_excuse", {"--config.check", "--max-vcpus", "0"}, "max-vcpus: 0"}),
    [](const auto& info) { return info.param.name; });

class WrongFiles : public testing::TestWithParam<Wrong> {};

TEST_P(WrongFiles, are_refused_in_one_line_and_change_nothing) {
  Config config{.max_vcpus = 8};
  const auto applied = apply_json(GetParam().arguments[0], config);
  ASSERT_FALSE(applied);
  expect_one_line_naming(applied.error().message, GetParam().names);
  EXPECT_EQ(config, Config{.max_vcpus = 8});
}

INSTANTIATE_TEST_SUITE_P(
    Config, WrongFiles,
    testing::Values(
        Wrong{"empty", {""}, "not JSON"}, Wrong{"no_json", {"max-vcpus = 8"}, "not JSON"},
        Wrong{"cut_off", {"{\"max-vcpus\":\n 8"}, "not JSON"},
        Wrong{"no_utf8", {"{\"log.level\": \"\xFF\"}"}, "not JSON"},
        Wrong{"an_array", {"[1, 2]"}, "object"}, Wrong{"a_number", {"8"}, "object"},
        Wrong{"unknown_key", {R"({"log.level": "warn", "max-vcpu": 8})"}, "'max-vcpu'"},
        Wrong{"text_for_a_number", {R"({"max-vcpus": "8"})"}, "max-vcpus"},
        Wrong{"fraction", {R"({"max-vcpus": 8.5})"}, "max-vcpus"},
        Wrong{"null", {R"({"max-vcpus": null})"}, "max-vcpus"},
        Wrong{"number_for_a_text", {R"({"log.level": 1})"}, "log.level"},
        Wrong{"number_for_a_switch", {R"({"collector.vcpu.per-vcpu": 1})"}, "per-vcpu"},
        Wrong{"out_of_range", {R"({"max-vcpus": 0})"}, "max-vcpus: 0"},
        Wrong{"beyond_64_bits", {R"({"max-vcpus": 99999999999999999999})"}, "max-vcpus"},
        Wrong{"bad_after_good", {R"({"log.level": "warn", "max-vcpus": -1})"}, "max-vcpus: -1"}),
    [](const auto& info) { return info.param.name; });

TEST(Config, an_error_in_a_file_names_the_file) {
  TemporaryFolder folder;
  const auto file = folder.write("vmflow.json", R"({"max-vcpus": 0})");
  const auto parsed = parse({"--config.file", file});
  ASSERT_FALSE(parsed);
  expect_one_line_naming(parsed.error().message, file);
  expect_one_line_naming(parsed.error().message, "max-vcpus: 0");
}

TEST(Config, help_tells_every_flag) {
  const auto help = text_of({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const auto* flag : {"--config.file", "--config.check", "--web.listen-address",
                           "--web.telemetry-path", "--max-vcpus", "--collector.vcpu.per-vcpu",
                           "--libvirt.uri", "--log.level", "--log.format", "--version"})
    EXPECT_NE(help.text.find(flag), std::string::npos) << flag;
}

TEST(Config, version_and_check_print_and_exit_well) {
  EXPECT_EQ(text_of({"--version"}).status, 0);
  EXPECT_NE(text_of({"--version"}).text, "");
  EXPECT_EQ(text_of({"--config.check", "--max-vcpus", "8"}).status, 0);
}

}  // namespace
}  // namespace test
}  // namespace vmflow
