// SPDX-License-Identifier: GPL-2.0-only
// What all pages begin with: a policy that lets nothing in but their own style and script.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporters/html_assets.h"

namespace vmflow {

/// Up to the end of the head. Without a script the page may run none.
std::string html_head(std::string_view title, const std::optional<HtmlAsset>& script);

}  // namespace vmflow
