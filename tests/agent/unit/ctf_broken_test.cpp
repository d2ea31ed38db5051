// SPDX-License-Identifier: GPL-2.0-only
// Traces that are not what they should be: each ends in one clear error or is counted.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "agent/sources/ctf_events.h"
#include "agent/trigger/ctf_writer.h"
#include "tests/agent/unit/recorded_events.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

namespace fs = std::filesystem;

std::string bytes_in(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A good trace of 20,000 events, to be broken.
class BrokenTrace : public testing::Test {
 protected:
  static constexpr uint64_t kEvents = 20'000;

  void SetUp() override { write_trace("trace", 0); }

  void write_trace(const std::string& name, uint64_t first_ns) {
    std::vector<Event> events;
    for (uint64_t i = 0; i < kEvents; i++)
      events.push_back({.ns = first_ns + 1000 * i,
                        .cpu = 0,
                        .tid = 9,
                        .tgid = 9,
                        .kvm = 1,
                        .data = ExitEvent{.code = 0x72, .isa = 2, .rip = i, .vcpu_id = 0}});
    const auto done = write_ctf(folder_.path() + "/" + name, events, {});
    ASSERT_TRUE(done) << done.error().message;
  }

  std::string path(const std::string& name) const { return folder_.path() + "/trace/" + name; }
  std::string metadata() const { return bytes_in(path("metadata")); }
  std::string stream() const { return bytes_in(path("cpu_0")); }
  void put(const std::string& name, std::string_view bytes) const {
    folder_.write("trace/" + name, bytes);
  }
  void replace_in_metadata(const std::string& what, const std::string& by) const {
    auto text = metadata();
    const auto at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    put("metadata", text.replace(at, what.size(), by));
  }

  Result<TraceContents> read() {
    taken_ = 0;
    const auto sink = [this](const Event&) { return ++taken_ > 0; };
    auto contents = read_ctf_isolated({folder_.path()}, {}, sink);
    // libbabeltrace2 dies of a signal. A sanitizer that finds something in the child ends it with a
    // status, which would look like any other error here.
    if (!contents) {
      EXPECT_EQ(contents.error().message.find("ended with status"), std::string::npos);
    }
    return contents;
  }

  /// One sentence, on one line.
  std::string error() {
    const auto contents = read();
    if (contents) return "no error";
    EXPECT_EQ(contents.error().message.find('\n'), std::string::npos) << contents.error().message;
    return contents.error().message;
  }
  void expect_error_about_the_trace() {
    const auto text = error();
    EXPECT_NE(text.find("cannot read the trace " + folder_.path() + "/trace"), std::string::npos)
        << text;
  }

  TemporaryFolder folder_;
  uint64_t taken_ = 0;
};

}  // namespace

TEST_F(BrokenTrace, is_good_before_it_is_broken) {
  const auto contents = read();
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(taken_, kEvents);
}

TEST_F(BrokenTrace, truncated_stream) {
  put("cpu_0", stream().substr(0, stream().size() * 3 / 4 + 1));
  expect_error_about_the_trace();
}

TEST_F(BrokenTrace, empty_stream) {
  put("cpu_0", "");
  const auto contents = read();
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(taken_, 0u);
  EXPECT_FALSE(missing(*contents).empty());
}

TEST_F(BrokenTrace, stream_of_garbage) {
  put("cpu_0", std::string(100'000, '\x5a'));
  expect_error_about_the_trace();
}

TEST_F(BrokenTrace, empty_metadata) {
  put("metadata", "");
  expect_error_about_the_trace();
}

TEST_F(BrokenTrace, zeroed_metadata) {
  put("metadata", std::string(4096, '\0'));
  expect_error_about_the_trace();
}

TEST_F(BrokenTrace, metadata_of_garbage) {
  put("metadata", "/* CTF 1.8 */\nstream { event.header := struct { } };;; \xff\xfe}");
  expect_error_about_the_trace();
}

TEST_F(BrokenTrace, truncated_metadata) {
  put("metadata", metadata().substr(0, metadata().size() / 2));
  expect_error_about_the_trace();
}

TEST_F(BrokenTrace, another_clock_is_told) {
  auto text = metadata();
  for (size_t at = 0; (at = text.find("monotonic", at)) != std::string::npos;)
    text.replace(at, 9, "walltimes");
  put("metadata", text);
  const auto contents = read();
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_FALSE(has_live_clock(*contents));
  EXPECT_NE(missing(*contents).back().find("walltimes"), std::string::npos);
}

TEST_F(BrokenTrace, a_clock_of_another_frequency_is_told_and_counts_nanoseconds) {
  replace_in_metadata("freq = 1000000000", "freq = 1000000");
  const auto contents = read();
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_FALSE(has_live_clock(*contents));
  EXPECT_EQ(contents->traces[0].last_ns, 1000 * 1000 * (kEvents - 1));
}

TEST_F(BrokenTrace, traces_of_two_clocks_are_not_merged) {
  write_trace("other", 0);
  auto text = bytes_in(folder_.path() + "/other/metadata");
  for (size_t at = 0; (at = text.find("monotonic", at)) != std::string::npos;)
    text.replace(at, 9, "walltimes");
  folder_.write("other/metadata", text);
  EXPECT_NE(error().find("have different clocks"), std::string::npos) << error();
}

TEST_F(BrokenTrace, a_field_of_another_type_makes_its_events_misshapen) {
  auto text = metadata();
  const auto at = text.find("exit_reason");
  ASSERT_NE(at, std::string::npos);
  put("metadata", text.replace(at, 11, "exit_season"));
  const auto contents = read();
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(taken_, 0u);
  EXPECT_EQ(contents->traces[0].misshapen.at("kvm_x86_exit"), kEvents);
}

TEST_F(BrokenTrace, swapped_packets_are_an_error) {
  auto bytes = stream();
  const std::string magic = "\xc1\x1f\xfc\xc1";
  const auto second = bytes.find(magic, 4);
  const auto third = bytes.find(magic, second + 4);
  ASSERT_EQ(bytes.find(magic), 0u);
  ASSERT_EQ(third, 2 * second) << "packets of the same size";
  put("cpu_0", bytes.substr(second, second) + bytes.substr(0, second) + bytes.substr(third));
  const auto text = error();
  EXPECT_NE(text.find("packets are not in the order of time"), std::string::npos) << text;
}

TEST_F(BrokenTrace, flipped_bits_end_in_an_error_or_in_events) {
  const auto good = stream();
  const auto good_metadata = metadata();
  std::mt19937 random(4);
  int errors = 0;
  for (int round = 0; round < 60; round++) {
    auto bytes = good;
    auto text = good_metadata;
    auto& broken = round % 3 == 0 ? text : bytes;
    for (int flips = 0; flips < 3; flips++) {
      // Every other time in the first packet's header, where it hurts.
      const auto end = round % 2 == 0 ? std::min<size_t>(broken.size(), 100) : broken.size();
      broken[random() % end] ^= static_cast<char>(1u << random() % 8);
    }
    put("cpu_0", bytes);
    put("metadata", text);
    const auto contents = read();
    if (contents) continue;
    errors++;
    EXPECT_FALSE(contents.error().message.empty());
  }
  EXPECT_GT(errors, 10);
}

TEST_F(BrokenTrace, nothing_is_there) {
  const auto sink = [](const Event&) { return true; };
  const auto absent = read_ctf_isolated({folder_.path() + "/absent"}, {}, sink);
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().message.find("cannot open"), std::string::npos);
  fs::create_directory(folder_.path() + "/empty");
  const auto empty = read_ctf_isolated({folder_.path() + "/empty"}, {}, sink);
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().message.find("no CTF trace in"), std::string::npos);
  EXPECT_FALSE(read_ctf_isolated({}, {}, sink));
}

TEST_F(BrokenTrace, links_below_are_not_followed) {
  fs::create_directory_symlink(folder_.path(), folder_.path() + "/loop");
  fs::create_directory_symlink(path(""), folder_.path() + "/again");
  const auto contents = read();
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(contents->traces.size(), 1u);
  EXPECT_EQ(taken_, kEvents);
}

TEST_F(BrokenTrace, a_fifo_is_not_waited_for) {
  ASSERT_EQ(mkfifo(path("cpu_1").c_str(), 0600), 0);
  EXPECT_NE(error().find("cpu_1, which is no regular file"), std::string::npos) << error();
}

TEST_F(BrokenTrace, a_folder_is_too_deep) {
  fs::path deep = folder_.path();
  for (int i = 0; i < 20; i++) deep /= "d";
  fs::create_directories(deep);
  EXPECT_NE(error().find("too deep"), std::string::npos) << error();
}

TEST_F(BrokenTrace, what_may_not_be_read_is_named) {
  if (geteuid() == 0) {
    // Root may read everything: be nobody for a while.
    chmod(folder_.path().c_str(), 0755);
    chmod(path("").c_str(), 0755);
  }
  chmod(path("cpu_0").c_str(), 0);
  const auto was = geteuid();
  ASSERT_EQ(was == 0 ? seteuid(65534) : 0, 0);
  const auto text = error();
  ASSERT_EQ(was == 0 ? seteuid(0) : 0, 0);
  EXPECT_NE(text.find("cannot read " + path("cpu_0")), std::string::npos) << text;
}

TEST_F(BrokenTrace, a_million_events_of_a_vcpu_that_does_not_exist_are_only_events) {
  std::vector<Event> events;
  for (uint64_t i = 0; i < 1'000'000; i++)
    events.push_back({.ns = i,
                      .cpu = static_cast<uint32_t>(i % 2) * 4'000'000'000u,
                      .tid = UINT32_MAX,
                      .tgid = 0,
                      .kvm = 0,
                      .data = EntryEvent{.vcpu_id = 4'000'000'000u}});
  ASSERT_TRUE(write_ctf(folder_.path() + "/million", events, {}));
  const auto contents = read_ctf_isolated({folder_.path() + "/million"}, {},
                                          [&](const Event&) { return ++taken_ > 0; });
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(taken_, 1'000'000u);
}

TEST_F(BrokenTrace, that_never_ends_is_given_up) {
  CtfReadOptions options;
  options.most_messages = 100;
  const auto contents =
      read_ctf_isolated({folder_.path()}, options, [](const Event&) { return true; });
  ASSERT_FALSE(contents);
  EXPECT_NE(contents.error().message.find("more than 100 messages"), std::string::npos);
}

}  // namespace vmflow::test
