// SPDX-License-Identifier: GPL-2.0-only
// The head of a request: read strictly, and written again with no more than vmflow's paths need.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "analysis/web_flow.h"

namespace vmflow {

/// What a client is told instead of an answer.
struct HttpProblem {
  int status;
  std::string_view text;  ///< one line of ours
  HttpRefusal refusal;
};

/// A header that only a forwarded request has.
inline constexpr const char* kAcceptsGzip = "vmflow-accepts-gzip";

struct RequestHead {
  std::string method;
  std::string target;
  bool is_http_1_0 = false;
  bool wants_close = false;
  bool expects_continue = false;
  size_t content_length = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case

  /// Empty: there is none.
  std::string_view header(std::string_view name) const;

  /// Whether an answer may be gzip. Source: RFC 9110, 12.5.3.
  bool accepts_gzip() const;

  /// As text for the library that answers. Ranges, which can make an answer many times as long, and
  /// whatever else no path of ours reads are left out. So are encodings, of which kAcceptsGzip
  /// tells what is needed: the library would compress for each client anew, and with brotli at its
  /// slowest.
  std::string forwarded() const;
};

/// `text`: up to the empty line at its end, with it.
/// Errors: not HTTP/1.0 or 1.1 to the letter, or a body that does not say how long it is.
tl::expected<RequestHead, HttpProblem> parse_request_head(std::string_view text);

}  // namespace vmflow
