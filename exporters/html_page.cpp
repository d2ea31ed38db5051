// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/html_page.h"

#include <fmt/format.h>

#include "exporters/html_text.h"
#include "exporters/interval_bytes.h"

namespace vmflow {
namespace {

/// As a content security policy names it.
std::string hash_source(const HtmlAsset& asset) {
  std::string bytes;
  for (size_t i = 0; i + 1 < asset.sha256.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(asset.sha256.substr(i, 2)), nullptr, 16));
  return "'sha256-" + base64(bytes) + "'";
}

}  // namespace

std::string html_head(std::string_view title, const std::optional<HtmlAsset>& script) {
  return fmt::format(
      R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{}</title>
<style>{}</style>
</head>
)",
      script ? hash_source(*script) : "'none'", hash_source(kHtml_style), html_text(title),
      kHtml_style.text);
}

}  // namespace vmflow
