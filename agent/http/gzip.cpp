// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace vmflow {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB, and a header of gzip's instead of zlib's
constexpr int kMemory = 8;            // zlib's own choice
constexpr size_t kChunk = 64u << 10;
constexpr size_t kMostInput = std::numeric_limits<uInt>::max();

class Deflater {
 public:
  Deflater() {
    if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void add(std::string_view text, bool is_last, std::string& out) {
    // zlib takes what it only reads as if it wrote to it.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      std::array<char, kChunk> chunk;
      stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
      stream_.avail_out = static_cast<uInt>(chunk.size());
      deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH);
      out.append(chunk.data(), chunk.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::string gzip(std::string_view text) {
  Deflater deflater;
  std::string out;
  do {
    const auto part = text.substr(0, kMostInput);
    text.remove_prefix(part.size());
    deflater.add(part, text.empty(), out);
  } while (!text.empty());
  return out;
}

}  // namespace vmflow
