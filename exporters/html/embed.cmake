# SPDX-License-Identifier: GPL-2.0-only
# Writes the page's style and scripts as C++, with the hashes that its content security policy needs.
# cmake -DSCRIPTS=A:B -DSTYLE=C -DOUT=D -P embed.cmake
string(REPLACE ":" ";" SCRIPTS "${SCRIPTS}")
set(script "(() => {\n'use strict';\n")
foreach(file IN LISTS SCRIPTS)
  file(READ "${file}" part)
  string(APPEND script "${part}")
endforeach()
string(APPEND script "})();\n")
file(READ "${STYLE}" style)

set(text "// Generated from the files in exporters/html.\n#include \"exporters/html_assets.h\"\n\nnamespace vmflow {\n")
foreach(asset IN ITEMS script style)
  string(SHA256 hash "${${asset}}")
  # A string literal may not be of any length, but parts of it that stand together may.
  string(LENGTH "${${asset}}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${${asset}}" ${at} 8000 part)
    string(APPEND literal "R\"~vmflow~(${part})~vmflow~\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND text "const HtmlAsset kHtml_${asset} = {${literal}, \"${hash}\"};\n")
endforeach()
string(APPEND text "}  // namespace vmflow\n")
file(WRITE "${OUT}" "${text}")
