// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/request_head.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace vmflow {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kMostHeaders = 100;
constexpr size_t kMostTarget = 2048;
// A second one of these could mean something else to whoever stands between.
constexpr std::array<std::string_view, 3> kSingle = {"host", "content-length", "authorization"};
constexpr std::array<std::string_view, 4> kForwarded = {"host", "content-type", "content-length",
                                                        "accept"};

using Problem = tl::unexpected<HttpProblem>;

Problem malformed(std::string_view text, int status = 400) {
  return Problem(HttpProblem{status, text, HttpRefusal::kMalformed});
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != kMarks.npos);
  });
}

bool is_visible(std::string_view text, bool with_blanks) {
  return std::ranges::all_of(text, [&](unsigned char c) {
    return (c > ' ' && c != 0x7f) || (with_blanks && (c == ' ' || c == '\t'));
  });
}

std::string lower(std::string_view text) {
  std::string low(text);
  for (auto& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view next_part(std::string_view& text, char end) {
  const auto part = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

/// `q=0`, `q=0.000`: not acceptable.
bool is_zero_weight(std::string_view weight) {
  return weight.starts_with("q=0") && weight.find_first_of("123456789") == std::string_view::npos;
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find(kLineEnd);
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), line.size() + kLineEnd.size()));
  return line;
}

tl::expected<RequestHead, HttpProblem> read_request_line(std::string_view line) {
  RequestHead head;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return malformed("not a request of HTTP/1.1");
  const auto version = line.substr(last + 1);
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  head.is_http_1_0 = version == "HTTP/1.0";
  if (!head.is_http_1_0 && version != "HTTP/1.1")
    return malformed("HTTP/1.1 and 1.0 are spoken here", version.starts_with("HTTP/") ? 505 : 400);
  if (!is_token(head.method)) return malformed("not a method");
  if (head.target.size() > kMostTarget)
    return Problem(HttpProblem{414, "the path is too long", HttpRefusal::kHeaderTooLarge});
  if (!head.target.starts_with('/') || !is_visible(head.target, false))
    return malformed("not a path");
  return head;
}

tl::expected<void, HttpProblem> read_header(std::string_view line, RequestHead& head) {
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  // This refuses continued lines, too, whose name would begin with a blank.
  if (colon == std::string_view::npos || !is_token(name)) return malformed("not a header");
  const auto value = trim(line.substr(colon + 1));
  if (!is_visible(value, true)) return malformed("a header holds control characters");
  auto low = lower(name);
  if (std::ranges::find(kSingle, low) != kSingle.end() &&
      std::ranges::any_of(head.headers, [&](const auto& known) { return known.first == low; }))
    return malformed("a header stands there twice");
  if (head.headers.size() == kMostHeaders)
    return Problem(HttpProblem{431, "too many headers", HttpRefusal::kHeaderTooLarge});
  head.headers.emplace_back(std::move(low), value);
  return {};
}

tl::expected<void, HttpProblem> understand(RequestHead& head) {
  if (!head.header("transfer-encoding").empty())
    return malformed("a body must say its Content-Length", 411);
  if (!head.is_http_1_0 && head.header("host").empty()) return malformed("a Host is wanted");
  if (const auto length = head.header("content-length"); !length.empty()) {
    const auto* end = length.data() + length.size();
    const auto read = std::from_chars(length.data(), end, head.content_length);
    if (read.ec == std::errc::result_out_of_range)
      return Problem(HttpProblem{413, "the body is too large", HttpRefusal::kBodyTooLarge});
    if (read.ec != std::errc() || read.ptr != end) return malformed("not a Content-Length");
  }
  const auto connection = lower(head.header("connection"));
  head.wants_close =
      head.is_http_1_0 ? connection != "keep-alive" : connection.find("close") != std::string::npos;
  head.expects_continue = lower(head.header("expect")) == "100-continue";
  return {};
}

}  // namespace

std::string_view RequestHead::header(std::string_view name) const {
  for (const auto& [known, value] : headers)
    if (known == name) return value;
  return {};
}

bool RequestHead::accepts_gzip() const {
  bool accepts_any = false;
  for (auto codings = header("accept-encoding"); !codings.empty();) {
    auto coding = next_part(codings, ',');
    const auto name = lower(trim(next_part(coding, ';')));
    const bool is_refused = is_zero_weight(lower(trim(coding)));
    if (name == "gzip" || name == "x-gzip") return !is_refused;
    if (name == "*") accepts_any = !is_refused;
  }
  return accepts_any;
}

std::string RequestHead::forwarded() const {
  auto text = method + " " + target + (is_http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  for (const auto& name : kForwarded)
    if (const auto value = header(name); !value.empty())
      text.append(name).append(": ").append(value).append(kLineEnd);
  if (accepts_gzip()) text.append(kAcceptsGzip).append(": yes").append(kLineEnd);
  return text.append("Connection: ")
      .append(wants_close ? "close" : "keep-alive")
      .append("\r\n\r\n");
}

tl::expected<RequestHead, HttpProblem> parse_request_head(std::string_view text) {
  auto head = read_request_line(next_line(text));
  if (!head) return head;
  for (auto line = next_line(text); !line.empty(); line = next_line(text))
    if (auto read = read_header(line, *head); !read) return tl::unexpected(read.error());
  if (auto understood = understand(*head); !understood) return tl::unexpected(understood.error());
  return head;
}

}  // namespace vmflow
