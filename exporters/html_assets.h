// SPDX-License-Identifier: GPL-2.0-only
// The page's style and script, built in. Source: exporters/html/.
#pragma once

#include <string_view>

namespace vmflow {

struct HtmlAsset {
  std::string_view text;
  std::string_view sha256;  ///< in hexadecimal digits
};

extern const HtmlAsset kHtml_script;
extern const HtmlAsset kHtml_style;

}  // namespace vmflow
