// SPDX-License-Identifier: GPL-2.0-only
// Undoes gzip, with zlib's other half.
#pragma once

#include <zlib.h>

#include <string>

namespace vmflow::test {

/// Of texts below 1 MiB; else, and of what is no gzip, empty.
inline std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  constexpr int kGzipOnly = 15 + 16;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return "";
  std::string text(1u << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const bool is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
  text.resize(is_whole ? stream.total_out : 0);
  inflateEnd(&stream);
  return text;
}

}  // namespace vmflow::test
