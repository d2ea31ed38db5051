// SPDX-License-Identifier: GPL-2.0-only
// Features out of a Prometheus on loopback that a test makes up, with all that can be wrong with
// it.
#include "agent/cli/features_prometheus.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "agent/cli/prometheus_client.h"

namespace vmflow::test {
namespace {

constexpr double kFrom = 1'700'000'000;

/// Answers every query_range as the test says. Shape: series by a part of the PromQL.
class FakePrometheus {
 public:
  struct Answer {
    int status = 200;
    std::string body;
  };

  FakePrometheus() {
    server_.Get("/api/v1/query_range", [this](const auto& request, auto& response) {
      const std::lock_guard lock(mutex_);
      const auto query = request.get_param_value("query");
      queries_.push_back(query);
      auto answer = Answer{200, matrix({})};
      for (const auto& [part, told] : answers_)
        if (query.find(part) != std::string::npos) answer = told;
      if (drips_) {
        response.set_chunked_content_provider("application/json", [](size_t, auto& sink) {
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          return sink.write(" ", 1);
        });
        return;
      }
      response.status = answer.status;
      response.set_content(answer.body, "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakePrometheus() {
    server_.stop();
    thread_.join();
  }

  static std::string matrix(const std::vector<std::string>& series, const std::string& more = "") {
    return fmt::format(R"({{"status":"success","data":{{"resultType":"matrix","result":[{}]}}{}}})",
                       fmt::join(series, ","), more);
  }
  /// One series with a point for each of the first windows, a minute each.
  static std::string series(const std::string& labels, const std::vector<std::string>& values) {
    std::string points;
    for (size_t i = 0; i < values.size(); i++)
      points += fmt::format("{}[{},\"{}\"]", i == 0 ? "" : ",",
                            kFrom + 60 * static_cast<double>(i + 1), values[i]);
    return fmt::format(R"({{"metric":{{{}}},"values":[{}]}})", labels, points);
  }
  static std::string of_vm(const std::string& vm, const std::string& more,
                           const std::vector<std::string>& values,
                           const std::string& host = "host1:9752") {
    return series(
        fmt::format(R"("instance":"{}","vm":"{}"{}{})", host, vm, more.empty() ? "" : ",", more),
        values);
  }

  void reply(const std::string& part, Answer told) {
    const std::lock_guard lock(mutex_);
    answers_.emplace_back(part, std::move(told));
  }
  void answer(const std::string& part, const std::vector<std::string>& series) {
    reply(part, Answer{200, matrix(series)});
  }
  /// A VM that halts three quarters of its vCPU time.
  void add_web() {
    answer("vmflow_vm_vcpu_seconds_total", {of_vm("u-1", R"("state":"guest")", {"15", "30"}),
                                            of_vm("u-1", R"("state":"halted")", {"45", "30"})});
    answer("vmflow_vm_vcpu_unaccounted", {of_vm("u-1", "", {"0", "0"})});
    answer("vmflow_vm_info", {of_vm("u-1", R"("name":"web-1")", {"1", "1"})});
  }
  /// From now on every answer comes byte by byte and never ends.
  void drip() { drips_ = true; }
  size_t asked() {
    const std::lock_guard lock(mutex_);
    return queries_.size();
  }
  AgentAddress address() const {
    return {.url = fmt::format("http://127.0.0.1:{}", port_),
            .program = "Prometheus",
            .flag = "--prometheus",
            .most_seconds = 5};
  }

  Result<FeatureReading> read(uint64_t windows = 1) const {
    HttpAgentClient client(address());
    return features_of_prometheus(
        client, {.from_seconds = kFrom, .to_seconds = kFrom + 60.0 * windows, .every_seconds = 60});
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::atomic<bool> drips_ = false;
  std::mutex mutex_;
  std::vector<std::pair<std::string, Answer>> answers_;
  std::vector<std::string> queries_;
};

double value(const FeatureReading& reading, size_t row, const std::string& name) {
  const auto& table = reading.table;
  for (size_t i = 0; i < table.columns.size(); i++)
    if (table.columns[i].name == name) return table.rows.at(row).values.at(i);
  ADD_FAILURE() << "no feature " << name;
  return 0;
}

bool has_note(const FeatureReading& reading, const std::string& part) {
  for (const auto& note : reading.notes)
    if (note.find(part) != std::string::npos && note.find('\n') == std::string::npos) return true;
  return false;
}

std::string words(const Result<FeatureReading>& reading) {
  return reading ? "no error" : reading.error().message;
}

}  // namespace

TEST(FeaturesPrometheus, a_vm_has_a_row_for_each_window) {
  FakePrometheus fake;
  fake.add_web();
  fake.answer("vmflow_vm_exits_total",
              {FakePrometheus::of_vm("u-1", R"("reason":"npf")", {"600", "0"}),
               FakePrometheus::of_vm("u-1", R"("reason":"ept_misconfig")", {"0", "1200"})});
  fake.answer("vmflow_vm_wait_seconds_total",
              {FakePrometheus::of_vm("u-1", R"("reason":"net")", {"30", "15"})});
  fake.answer("vmflow_vm_wait_duration_seconds_count",
              {FakePrometheus::of_vm("u-1", R"("reason":"net")", {"300", "150"})});
  fake.answer("vmflow_vm_idle", {FakePrometheus::of_vm("u-1", "", {"0.5", "1"})});
  const auto reading = fake.read(2);
  ASSERT_TRUE(reading) << words(reading);
  EXPECT_FALSE(reading->is_partial);
  ASSERT_EQ(reading->table.rows.size(), 2u);
  const auto& row = reading->table.rows[1];
  EXPECT_EQ(row.host, "host1:9752");
  EXPECT_EQ(row.vm, "u-1");
  EXPECT_EQ(row.name, "web-1");
  EXPECT_EQ(row.begin_seconds, kFrom + 60);
  EXPECT_EQ(row.end_seconds, kFrom + 120);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "guest_ratio"), 0.25);
  EXPECT_DOUBLE_EQ(value(*reading, 1, "guest_ratio"), 0.5);
  EXPECT_EQ(value(*reading, 0, "ready_ratio"), 0) << "it is in the metric, and was never ready";
  EXPECT_DOUBLE_EQ(value(*reading, 0, "exits_page_fault_per_second"), 10);
  EXPECT_DOUBLE_EQ(value(*reading, 1, "exits_page_fault_per_second"), 20);
  EXPECT_DOUBLE_EQ(value(*reading, 1, "exits_per_second"), 20);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "wait_net_ratio"), 0.5);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "wait_net_per_second"), 5);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "wait_net_mean_seconds"), 0.1);
  EXPECT_EQ(value(*reading, 0, "idle_ratio"), 0.5);
}

TEST(FeaturesPrometheus, hosts_and_vms_are_told_apart) {
  FakePrometheus fake;
  fake.answer("vmflow_vm_vcpu_seconds_total",
              {FakePrometheus::of_vm("u-1", R"("state":"guest")", {"60"}, "host1"),
               FakePrometheus::of_vm("u-1", R"("state":"halted")", {"60"}, "host2"),
               FakePrometheus::of_vm("u-2", R"("state":"halted")", {"60"}, "host2")});
  const auto reading = fake.read();
  ASSERT_TRUE(reading) << words(reading);
  ASSERT_EQ(reading->table.rows.size(), 3u);
  EXPECT_EQ(reading->table.rows[0].host, "host1");
  EXPECT_EQ(value(*reading, 0, "guest_ratio"), 1);
  EXPECT_EQ(value(*reading, 1, "guest_ratio"), 0);
  EXPECT_EQ(reading->table.rows[2].vm, "u-2");
  EXPECT_EQ(reading->table.rows[2].name, "");
}

TEST(FeaturesPrometheus, metrics_that_are_not_there_are_unknown_and_named_in_one_line) {
  FakePrometheus fake;
  fake.add_web();
  fake.answer("vmflow_vm_disk_operations_total",
              {FakePrometheus::of_vm("u-1", R"("op":"read")", {"60", "60"})});
  const auto reading = fake.read();
  ASSERT_TRUE(reading) << words(reading);
  EXPECT_FALSE(reading->is_partial);
  EXPECT_EQ(value(*reading, 0, "disk_read_per_second"), 1);
  EXPECT_EQ(value(*reading, 0, "disk_write_per_second"), 0);
  for (const auto* name : {"exits_per_second", "net_transmit_per_second", "wait_net_per_second",
                           "disk_read_mean_seconds", "idle_ratio", "halt_poll_waste_ratio"})
    EXPECT_TRUE(std::isnan(value(*reading, 0, name))) << name;
  ASSERT_EQ(reading->notes.size(), 1u) << fmt::format("{}", fmt::join(reading->notes, "\n"));
  EXPECT_TRUE(has_note(*reading, "not there in this time: "));
  EXPECT_TRUE(has_note(*reading, "vmflow_vm_exits_total"));
  EXPECT_TRUE(has_note(*reading,
                       "vmflow_vm_wait_duration_seconds_count (vmflowd "
                       "--collector.vm.wait-histograms)"));
  EXPECT_FALSE(has_note(*reading, "vmflow_vm_disk_operations_total"));
}

TEST(FeaturesPrometheus, what_a_vm_sends_is_unknown_where_only_what_it_reads_is_told) {
  FakePrometheus fake;
  fake.add_web();
  fake.answer("vmflow_vm_net_packets_total",
              {FakePrometheus::of_vm("u-1", R"("direction":"receive")", {"60"})});
  const auto reading = fake.read();
  ASSERT_TRUE(reading) << words(reading);
  EXPECT_EQ(value(*reading, 0, "net_receive_per_second"), 1);
  EXPECT_TRUE(std::isnan(value(*reading, 0, "net_transmit_per_second")));
}

TEST(FeaturesPrometheus, no_vm_is_an_error_and_asks_nothing_else) {
  FakePrometheus fake;
  const auto reading = fake.read();
  ASSERT_FALSE(reading);
  EXPECT_NE(words(reading).find("no VM in this time"), std::string::npos) << words(reading);
  EXPECT_EQ(fake.asked(), 1u);
}

TEST(FeaturesPrometheus, numbers_that_are_none_are_not_known) {
  FakePrometheus fake;
  fake.add_web();
  fake.answer("vmflow_vm_halt_poll_fail", {FakePrometheus::of_vm("u-1", "", {"NaN", "6"})});
  fake.answer("vmflow_vm_interrupts_total",
              {FakePrometheus::of_vm("u-1", R"("class":"timer")", {"+Inf", "-5"})});
  const auto reading = fake.read(2);
  ASSERT_TRUE(reading) << words(reading);
  EXPECT_TRUE(std::isnan(value(*reading, 0, "halt_poll_waste_ratio")));
  EXPECT_DOUBLE_EQ(value(*reading, 1, "halt_poll_waste_ratio"), 0.1);
  EXPECT_TRUE(std::isnan(value(*reading, 0, "interrupts_timer_per_second")));
  EXPECT_TRUE(std::isnan(value(*reading, 1, "interrupts_timer_per_second")));
}

TEST(FeaturesPrometheus, one_that_is_down_is_one_line_and_is_not_asked_again) {
  AgentAddress nobody;
  {
    const FakePrometheus fake;
    nobody = fake.address();
  }
  HttpAgentClient client(nobody);
  const auto reading = features_of_prometheus(
      client, {.from_seconds = kFrom, .to_seconds = kFrom + 60, .every_seconds = 60});
  ASSERT_FALSE(reading);
  EXPECT_NE(words(reading).find("is Prometheus running there? --prometheus says where it is"),
            std::string::npos)
      << words(reading);
}

TEST(FeaturesPrometheus, an_error_of_the_first_query_is_its_words) {
  FakePrometheus fake;
  fake.reply(
      "vmflow_vm_vcpu_seconds_total",
      {422, R"({"status":"error","errorType":"execution","error":"query processing would load)"
            R"( too many samples\ninto memory"})"});
  EXPECT_EQ(words(fake.read()),
            "Prometheus says: query processing would load too many samples into memory");
  FakePrometheus proxy;
  proxy.reply("vmflow_vm_vcpu_seconds_total", {503, "<html>no upstream</html>"});
  EXPECT_EQ(words(proxy.read()), "status 503: is this the address of a Prometheus?");
}

TEST(FeaturesPrometheus, queries_that_fail_leave_a_part_unknown_and_say_so) {
  FakePrometheus fake;
  fake.add_web();
  fake.reply("vmflow_vm_exits_total",
             {422, R"({"status":"error","errorType":"timeout","error":"query timed out"})"});
  const auto cut = FakePrometheus::matrix({FakePrometheus::of_vm("u-1", "", {"6"})});
  fake.reply("vmflow_vm_net_wait_seconds_total", {200, cut.substr(0, cut.size() / 2)});
  fake.reply("vmflow_vm_preemptions_total",
             {200, R"({"status":"success","data":{"resultType":"vector","result":[]}})"});
  fake.answer("vmflow_vm_halt_poll_fail", {FakePrometheus::of_vm("u-1", "", {"6"})});
  const auto reading = fake.read();
  ASSERT_TRUE(reading) << words(reading);
  EXPECT_TRUE(reading->is_partial);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "guest_ratio"), 0.25);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "halt_poll_waste_ratio"), 0.1);
  EXPECT_TRUE(std::isnan(value(*reading, 0, "exits_per_second")));
  EXPECT_TRUE(has_note(*reading, "vmflow_vm_exits_total: Prometheus says: query timed out"));
  EXPECT_TRUE(
      has_note(*reading, "vmflow_vm_net_wait_seconds_total: the answer is cut off, or is no JSON"));
  EXPECT_TRUE(has_note(*reading, "vmflow_vm_preemptions_total: the answer is not that of"));
}

TEST(FeaturesPrometheus, warnings_are_told_once_and_all_is_there) {
  FakePrometheus fake;
  fake.add_web();
  const std::string warning = R"(,"warnings":["remote read\u001b failed"])";
  fake.reply("vmflow_vm_halt_poll_fail",
             {200, FakePrometheus::matrix({FakePrometheus::of_vm("u-1", "", {"6"})}, warning)});
  fake.reply("vmflow_vm_idle",
             {200, FakePrometheus::matrix({FakePrometheus::of_vm("u-1", "", {"1"})}, warning)});
  const auto reading = fake.read();
  ASSERT_TRUE(reading) << words(reading);
  EXPECT_FALSE(reading->is_partial);
  EXPECT_EQ(value(*reading, 0, "idle_ratio"), 1);
  size_t told = 0;
  for (const auto& note : reading->notes) {
    if (note.starts_with("Prometheus warns: remote read")) told++;
    EXPECT_EQ(note.find('\x1b'), std::string::npos);
  }
  EXPECT_EQ(told, 1u);
}

TEST(FeaturesPrometheus, an_answer_that_is_too_long_is_refused) {
  FakePrometheus fake;
  fake.reply("vmflow_vm_vcpu_seconds_total", {200, std::string(3 << 20, ' ')});
  auto address = fake.address();
  address.most_bytes = 1 << 20;
  HttpAgentClient client(address);
  const auto reading = features_of_prometheus(
      client, {.from_seconds = kFrom, .to_seconds = kFrom + 60, .every_seconds = 60});
  EXPECT_NE(words(reading).find("answers more than 1 MiB"), std::string::npos) << words(reading);
}

TEST(FeaturesPrometheus, an_answer_that_never_ends_is_not_waited_for) {
  FakePrometheus fake;
  fake.drip();
  auto address = fake.address();
  address.most_seconds = 1;
  HttpAgentClient client(address);
  const auto reading = features_of_prometheus(
      client, {.from_seconds = kFrom, .to_seconds = kFrom + 60, .every_seconds = 60});
  EXPECT_NE(words(reading).find("takes more than 1 s to answer"), std::string::npos)
      << words(reading);
}

TEST(FeaturesPrometheus, a_long_time_is_asked_for_in_parts) {
  FakePrometheus fake;
  fake.add_web();
  fake.reply("vmflow_vm_idle",
             {200, FakePrometheus::matrix({FakePrometheus::of_vm("u-1", "", {"1"})})});
  const auto reading = fake.read(1200);
  ASSERT_TRUE(reading) << words(reading);
  EXPECT_EQ(reading->table.rows.size(), 2u);
  EXPECT_EQ(fake.asked() % 3, 0u);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "guest_ratio"), 0.25);
  EXPECT_DOUBLE_EQ(value(*reading, 0, "idle_ratio"), 1) << "told in each answer, counted once";
}

TEST(PrometheusAnswer, hostile_shapes_are_no_crash) {
  for (const auto* body :
       {"", "null", "[]", "{}", R"({"status":"success"})", R"({"status":"success","data":[]})",
        R"({"status":"error"})", R"({"data":{"resultType":"matrix","result":{}}})"})
    EXPECT_FALSE(prometheus_answer(200, body)) << body;
  const auto odd = prometheus_answer(
      200, R"({"data":{"resultType":"matrix","result":[1,{"metric":[],"values":{}},)"
           R"({"metric":{"vm":5},"values":[[],[1],["x","1"],[1,2],[1,"2x"],[1,"3"]]}]},)"
           R"("warnings":{"a":1}})");
  ASSERT_TRUE(odd);
  ASSERT_EQ(odd->series.size(), 3u);
  ASSERT_EQ(odd->series[2].points.size(), 1u);
  EXPECT_EQ(odd->series[2].points[0].second, 3);
}

}  // namespace vmflow::test
