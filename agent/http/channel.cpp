// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/channel.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>

#include "agent/c_handle.h"

namespace vmflow {
namespace {

ChannelResult result_of(ssize_t size, ChannelStep wants) {
  if (size > 0) return {ChannelStep::kDone, static_cast<size_t>(size)};
  const bool must_wait = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return {must_wait ? wants : ChannelStep::kEnded};
}

class TlsChannel : public Channel {
 public:
  TlsChannel(FileHandle socket, CHandle<SSL, SSL_free> ssl)
      : Channel(std::move(socket)), ssl_(std::move(ssl)) {}

  ChannelStep handshake() override {
    ERR_clear_error();
    const int done = SSL_accept(ssl_.get());
    if (done == 1) return ChannelStep::kDone;
    const auto step = step_of(done);
    if (step == ChannelStep::kEnded) failure_ = failure();
    return step;
  }

  std::optional<HandshakeFailure> why_handshake_ended() const override { return failure_; }

  ChannelResult read(std::span<char> into) override {
    ERR_clear_error();
    size_t bytes = 0;
    const int done = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
    return done == 1 ? ChannelResult{ChannelStep::kDone, bytes} : ChannelResult{step_of(done)};
  }

  ChannelResult write(std::string_view bytes) override {
    ERR_clear_error();
    size_t written = 0;
    const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    return done == 1 ? ChannelResult{ChannelStep::kDone, written} : ChannelResult{step_of(done)};
  }

  void end_writing() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
    Channel::end_writing();
  }

 private:
  ChannelStep step_of(int done) const {
    switch (SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ:
        return ChannelStep::kWantsRead;
      case SSL_ERROR_WANT_WRITE:
        return ChannelStep::kWantsWrite;
      default:
        return ChannelStep::kEnded;
    }
  }

  std::optional<HandshakeFailure> failure() const {
    const auto code = ERR_peek_error();
    const int reason = ERR_GET_REASON(code);
    if (code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING || ERR_SYSTEM_ERROR(code))
      return std::nullopt;
    if (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST)
      return HandshakeFailure{HttpRefusal::kPlainHttp, tls_error_text()};
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
      return HandshakeFailure{HttpRefusal::kClientCertificate, tls_error_text()};
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      const auto why = SSL_get_verify_result(ssl_.get());
      return HandshakeFailure{HttpRefusal::kClientCertificate,
                              why == X509_V_ERR_APPLICATION_VERIFICATION
                                  ? "none of its names is in client_allowed_sans"
                                  : X509_verify_cert_error_string(why)};
    }
    return HandshakeFailure{HttpRefusal::kTlsHandshake, tls_error_text()};
  }

  CHandle<SSL, SSL_free> ssl_;
  std::optional<HandshakeFailure> failure_;
};

}  // namespace

// MSG_NOSIGNAL is of no use to TLS, which writes by itself: the loop's thread blocks SIGPIPE.
ChannelResult Channel::read(std::span<char> into) {
  return result_of(recv(fd(), into.data(), into.size(), 0), ChannelStep::kWantsRead);
}

ChannelResult Channel::write(std::string_view bytes) {
  return result_of(send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), ChannelStep::kWantsWrite);
}

void Channel::end_writing() {
  shutdown(fd(), SHUT_WR);
}

ChannelResult Channel::read_plain(std::span<char> into) {
  return Channel::read(into);
}

// A few bytes to a socket that nothing was written to: they fit, or the client does not get them.
void Channel::write_plain(std::string_view bytes) {
  (void)Channel::write(bytes);
}

std::unique_ptr<Channel> make_channel(FileHandle socket, const TlsContext& tls) {
  if (!tls) return std::make_unique<Channel>(std::move(socket));
  CHandle<SSL, SSL_free> ssl(SSL_new(tls.get()));
  if (!ssl || SSL_set_fd(ssl.get(), socket.get()) != 1) return nullptr;
  return std::make_unique<TlsChannel>(std::move(socket), std::move(ssl));
}

}  // namespace vmflow
