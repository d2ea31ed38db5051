// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/html_text.h"

#include "exporters/report_tables.h"

namespace vmflow {

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char byte : shown_text(text)) {
    switch (byte) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += byte;
    }
  }
  return escaped;
}

// These stand in strings only: JSON has no other place for them.
std::string script_json(std::string_view json) {
  std::string escaped;
  escaped.reserve(json.size());
  for (const char byte : json) {
    if (byte == '<')
      escaped += "\\u003c";
    else if (byte == '>')
      escaped += "\\u003e";
    else if (byte == '&')
      escaped += "\\u0026";
    else
      escaped += byte;
  }
  return escaped;
}

}  // namespace vmflow
