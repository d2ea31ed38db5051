// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/request_answerer.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <string>
#include <utility>

namespace vmflow {
namespace {

/// A request in memory, and what is answered to it.
class MemoryStream : public httplib::Stream {
 public:
  MemoryStream(std::string head, std::string body)
      : head_(std::move(head)), body_(std::move(body)) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }

  ssize_t read(char* into, size_t size) override {
    const auto& text = read_ < head_.size() ? head_ : body_;
    const size_t begin = read_ < head_.size() ? read_ : read_ - head_.size();
    const auto taken = text.copy(into, size, begin);
    read_ += taken;
    return static_cast<ssize_t>(taken);
  }

  ssize_t write(const char* bytes, size_t size) override {
    answer.append(bytes, size);
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }

  std::string answer;

 private:
  const std::string head_, body_;
  size_t read_ = 0;
};

}  // namespace

RequestAnswerer::RequestAnswerer() {
  // The library would tell the client what the exception says.
  set_exception_handler([](const auto&, auto& response, std::exception_ptr) {
    spdlog::error("a request could not be answered: an exception");
    response.status = 500;
    response.set_content("internal error\n", "text/plain");
  });
}

HttpReply RequestAnswerer::answer(const RequestHead& head, std::string body) {
  MemoryStream stream(head.forwarded(), std::move(body));
  bool closes = false;
  const bool is_answered = process_request(stream, head.wants_close, closes, nullptr);
  return {std::move(stream.answer), closes || head.wants_close || !is_answered};
}

}  // namespace vmflow
