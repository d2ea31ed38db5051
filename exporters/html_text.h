// SPDX-License-Identifier: GPL-2.0-only
// Text that somebody else wrote, inside a page.
#pragma once

#include <string>
#include <string_view>

namespace vmflow {

/// Fit to stand between tags and in quoted attributes.
/// Shape: see shown_text() for what is replaced before.
std::string html_text(std::string_view text);

/// JSON fit to stand in a script element: no character in it can end the element or begin a
/// comment. Shape: `json` is valid; its meaning stays the same.
std::string script_json(std::string_view json);

}  // namespace vmflow
