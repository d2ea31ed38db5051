// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_packets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>

namespace vmflow {
namespace {

constexpr uint32_t kMagic = 0xC1FC1FC1;

/// Source: lttng-modules, src/lttng-ring-buffer-client.h, struct packet_header; packed there.
struct [[gnu::packed]] PacketHeader {
  uint32_t magic;
  uint8_t uuid[16];
  uint32_t stream_id;
  uint64_t stream_instance_id;
  uint64_t timestamp_begin;
  uint64_t timestamp_end;
  uint64_t content_size;  // bits
  uint64_t packet_size;   // bits
  uint64_t packet_seq_num;
  uint64_t events_discarded;  // since the stream began
  uint32_t cpu_id;
};
static_assert(sizeof(PacketHeader) == 84);

void add(LttngStream& stream, const PacketHeader& header, uint64_t& discarded_before) {
  if (stream.packets == 0) {
    stream.cpu = header.cpu_id;
    stream.first_ns = header.timestamp_begin;
    stream.first_sequence = header.packet_seq_num;
    // What was discarded before the first packet is lost to it only if nothing was overwritten.
    discarded_before = header.packet_seq_num == 0 ? 0 : header.events_discarded;
  }
  const uint64_t expected = stream.first_sequence + stream.packets + stream.missing_packets;
  if (header.packet_seq_num > expected) stream.missing_packets += header.packet_seq_num - expected;
  stream.packets++;
  stream.last_ns = header.timestamp_end;
  stream.content_bytes += header.content_size / 8;
  stream.discarded = header.events_discarded - std::min(discarded_before, header.events_discarded);
}

}  // namespace

Result<LttngStream> read_lttng_stream(const std::filesystem::path& file) {
  const auto broken = [&](const char* how) {
    return failure(fmt::format("{}: {}", file.string(), how));
  };
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(file, error);
  std::ifstream bytes(file, std::ios::binary);
  if (error || !bytes) return broken("cannot be read");
  LttngStream stream;
  uint64_t discarded_before = 0;
  for (uint64_t at = 0; at < size;) {
    PacketHeader header{};
    if (size - at < sizeof(header)) return broken("its last packet is cut off");
    bytes.seekg(static_cast<std::streamoff>(at));
    bytes.read(reinterpret_cast<char*>(&header), sizeof(header));
    if (!bytes || header.magic != kMagic) return broken("no packet of LTTng");
    const uint64_t length = header.packet_size / 8;
    if (length < sizeof(header) || header.content_size > header.packet_size ||
        header.timestamp_end < header.timestamp_begin)
      return broken("a packet with an impossible header");
    if (length > size - at) return broken("its last packet is cut off");
    add(stream, header, discarded_before);
    at += length;
  }
  return stream;
}

Result<std::vector<LttngStream>> read_lttng_streams(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<LttngStream> streams;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!entry.is_regular_file(error) || entry.path().filename() == "metadata") continue;
    auto stream = read_lttng_stream(entry.path());
    if (!stream) return tl::unexpected(stream.error());
    if (stream->packets > 0) streams.push_back(*stream);
  }
  if (error) return failure(fmt::format("{}: {}", folder.string(), error.message()));
  if (streams.empty()) return failure(folder.string() + ": no events");
  std::ranges::sort(streams, {}, &LttngStream::cpu);
  return streams;
}

LttngExtent extent_of(const std::vector<LttngStream>& streams) {
  LttngExtent extent;
  uint64_t began = std::numeric_limits<uint64_t>::max();
  for (const auto& stream : streams) {
    began = std::min(began, stream.first_ns);
    extent.last_ns = std::max(extent.last_ns, stream.last_ns);
    extent.discarded += stream.discarded;
    extent.missing_packets += stream.missing_packets;
    if (stream.first_sequence > 0) extent.first_ns = std::max(extent.first_ns, stream.first_ns);
    if (stream.last_ns > stream.first_ns)
      extent.bytes_per_second = std::max(extent.bytes_per_second,
                                         1e9 * static_cast<double>(stream.content_bytes) /
                                             static_cast<double>(stream.last_ns - stream.first_ns));
  }
  if (extent.first_ns == 0 && !streams.empty()) extent.first_ns = began;
  return extent;
}

}  // namespace vmflow
