// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_packets.h"

#include <gtest/gtest.h>

#include "tests/agent/unit/lttng_stream_bytes.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {

TEST(LttngPackets, tell_what_a_stream_covers_and_lost) {
  const TemporaryFolder folder;
  const auto file = folder.write(
      "vmflow_3",
      packet_bytes(
          {.cpu = 3, .begin = 1000, .end = 2000, .content = 100, .sequence = 7, .discarded = 5}) +
          packet_bytes({.cpu = 3,
                        .begin = 2500,
                        .end = 4000,
                        .content = 300,
                        .sequence = 8,
                        .discarded = 9}));
  const auto stream = read_lttng_stream(file);
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ(stream->cpu, 3u);
  EXPECT_EQ(stream->packets, 2u);
  EXPECT_EQ(stream->first_ns, 1000u);
  EXPECT_EQ(stream->last_ns, 4000u);
  EXPECT_EQ(stream->content_bytes, 400u);
  EXPECT_EQ(stream->first_sequence, 7u);
  EXPECT_EQ(stream->discarded, 4u) << "what was discarded before is no loss of this trace";
}

TEST(LttngPackets, of_a_stream_from_its_beginning_count_all_that_was_discarded) {
  const TemporaryFolder folder;
  const auto file = folder.write(
      "vmflow_0",
      packet_bytes({.begin = 1, .end = 2, .content = 100, .sequence = 0, .discarded = 5}));
  EXPECT_EQ(read_lttng_stream(file)->discarded, 5u);
}

TEST(LttngPackets, that_are_missing_are_counted) {
  const TemporaryFolder folder;
  std::string bytes;
  for (const uint64_t sequence : {4, 5, 8, 9, 11})
    bytes += packet_bytes({.begin = sequence, .end = sequence + 1, .sequence = sequence});
  const auto stream = read_lttng_stream(folder.write("vmflow_0", bytes));
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->packets, 5u);
  EXPECT_EQ(stream->missing_packets, 3u);
}

TEST(LttngPackets, that_are_broken_are_one_error) {
  const TemporaryFolder folder;
  const auto good = packet_bytes({.begin = 1, .end = 2, .content = 100});
  const auto error_of = [&](const std::string& bytes) {
    const auto stream = read_lttng_stream(folder.write("s", bytes));
    return stream ? std::string("none") : stream.error().message.substr(folder.path().size() + 4);
  };
  EXPECT_EQ(error_of(good), "none");
  EXPECT_EQ(error_of(good + good.substr(0, 50)), "its last packet is cut off");
  EXPECT_EQ(error_of(good + good.substr(0, 2000)), "its last packet is cut off");
  EXPECT_EQ(error_of(good + std::string(4096, '\0')), "no packet of LTTng");
  EXPECT_EQ(error_of(packet_bytes({.begin = 3, .end = 2, .content = 100})),
            "a packet with an impossible header");
  EXPECT_EQ(error_of(packet_bytes({.begin = 1, .end = 2, .content = 5000})),
            "a packet with an impossible header");
  EXPECT_FALSE(read_lttng_stream(folder.path() + "/absent"));
}

TEST(LttngPackets, of_a_folder_are_of_all_cpus_that_have_any) {
  const TemporaryFolder folder;
  EXPECT_FALSE(read_lttng_streams(folder.path()));
  folder.write("metadata", "/* CTF 1.8 */");
  folder.write("index/vmflow_0.idx", "no stream");
  folder.write("vmflow_0", "");
  EXPECT_EQ(read_lttng_streams(folder.path()).error().message, folder.path() + ": no events");
  folder.write("vmflow_2", packet_bytes({.cpu = 2, .begin = 1, .end = 2, .content = 100}));
  folder.write("vmflow_1", packet_bytes({.cpu = 1, .begin = 1, .end = 2, .content = 100}));
  const auto streams = read_lttng_streams(folder.path());
  ASSERT_TRUE(streams);
  ASSERT_EQ(streams->size(), 2u);
  EXPECT_EQ((*streams)[0].cpu, 1u);
}

TEST(LttngExtent, begins_where_the_shortest_ring_begins) {
  // CPU 0 has overwritten its oldest packets, CPU 1 had next to nothing to record.
  const auto extent = extent_of({{.cpu = 0,
                                  .packets = 9,
                                  .first_ns = 5'000'000'000,
                                  .last_ns = 9'000'000'000,
                                  .content_bytes = 8000,
                                  .first_sequence = 4,
                                  .discarded = 2},
                                 {.cpu = 1,
                                  .packets = 1,
                                  .first_ns = 7'000'000'000,
                                  .last_ns = 9'100'000'000,
                                  .content_bytes = 21,
                                  .first_sequence = 0,
                                  .discarded = 1}});
  EXPECT_EQ(extent.first_ns, 5'000'000'000u);
  EXPECT_EQ(extent.last_ns, 9'100'000'000u);
  EXPECT_EQ(extent.discarded, 3u);
  EXPECT_DOUBLE_EQ(extent.bytes_per_second, 2000);
}

TEST(LttngExtent, of_rings_that_never_were_full_is_all) {
  const auto extent = extent_of({{.cpu = 0, .packets = 1, .first_ns = 700, .last_ns = 900},
                                 {.cpu = 1, .packets = 1, .first_ns = 500, .last_ns = 800}});
  EXPECT_EQ(extent.first_ns, 500u);
  EXPECT_EQ(extent.last_ns, 900u);
  EXPECT_EQ(extent_of({}).first_ns, 0u);
}

}  // namespace vmflow::test
