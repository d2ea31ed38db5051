// SPDX-License-Identifier: GPL-2.0-only
// Bytes to and from one client, plain or through TLS, without ever waiting.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/file_handle.h"
#include "agent/http/tls_context.h"
#include "analysis/web_flow.h"

namespace vmflow {

/// What became of a step that must not wait.
enum class ChannelStep { kDone, kWantsRead, kWantsWrite, kEnded };

struct ChannelResult {
  ChannelStep step;
  size_t bytes = 0;  ///< of kDone
};

/// Why a handshake failed. `text` is the library's own.
struct HandshakeFailure {
  HttpRefusal refusal;
  std::string text;
};

/// Threads: one.
class Channel {
 public:
  explicit Channel(FileHandle socket) : socket_(std::move(socket)) {}
  Channel(const Channel&) = delete;
  virtual ~Channel() = default;

  virtual ChannelStep handshake() { return ChannelStep::kDone; }
  /// Of a handshake that has ended; nullopt: the client has gone without a word.
  virtual std::optional<HandshakeFailure> why_handshake_ended() const { return std::nullopt; }
  virtual ChannelResult read(std::span<char> into);
  virtual ChannelResult write(std::string_view bytes);
  /// Tells the client that nothing more comes. What it still sends can be read by read_plain().
  virtual void end_writing();

  /// Past TLS.
  ChannelResult read_plain(std::span<char> into);
  void write_plain(std::string_view bytes);
  int fd() const { return socket_.get(); }

 private:
  FileHandle socket_;
};

/// `tls` null: plain. Errors: null if there is no memory.
std::unique_ptr<Channel> make_channel(FileHandle socket, const TlsContext& tls);

}  // namespace vmflow
