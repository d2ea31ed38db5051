// SPDX-License-Identifier: GPL-2.0-only
// A client that sends what it is told, byte by byte, whatever the protocol wants.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "agent/file_handle.h"

namespace vmflow::test {

class RawClient {
 public:
  /// Connects to the loopback device, from the address `from`.
  explicit RawClient(int port, const char* from = "127.0.0.1");

  bool is_connected() const { return connected_; }
  /// False: the other side takes no more.
  bool send(std::string_view bytes);
  /// Sends `bytes` again and again until the server takes no more, or `most` are sent; returns how
  /// many were.
  size_t flood(std::string_view bytes, size_t most);
  /// All until the server closes or `patience` is over.
  std::string read_all(std::chrono::milliseconds patience);
  /// Whether the server closes within `patience`; what comes is thrown away.
  bool is_closed_within(std::chrono::milliseconds patience);

 private:
  bool read(std::chrono::milliseconds patience, std::string& all);

  FileHandle socket_;
  bool connected_;
};

}  // namespace vmflow::test
