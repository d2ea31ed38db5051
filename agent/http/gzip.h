// SPDX-License-Identifier: GPL-2.0-only
// Text as gzip, fast rather than small: a page of metrics gets to a twentieth all the same.
#pragma once

#include <string>
#include <string_view>

namespace vmflow {

/// Source: RFC 1952, which Content-Encoding calls gzip.
/// Errors: throws std::bad_alloc. Threads: any.
std::string gzip(std::string_view text);

}  // namespace vmflow
