// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/csv_text.h"

namespace vmflow {

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace vmflow
