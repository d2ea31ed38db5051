# SPDX-License-Identifier: GPL-2.0-only
# The text of --help, as CLI11 lays it out, to lines of fields: KIND, NAME, ARGUMENT, CHOICES, TEXT.
# KIND is about, option, positional, command or footer (one line of it).
BEGIN { FS = "\n"; OFS = "\t"; blank = sprintf("%30s", "") }
{ line[NR] = $0 }
# Names stand before the 31st column, or alone on their line where they are longer.
function entry(kind,    names, text, argument, choices, parts) {
  names = substr(line[i], 1, 30); text = substr(line[i], 31)
  if (substr(line[i + 1], 1, 30) == blank && length(line[i + 1]) > 30) { names = line[i]; text = substr(line[++i], 31) }
  gsub(/^ +| +$/, "", names); sub(/ *REQUIRED$/, "", names)
  split(names, parts, " "); argument = parts[2]; choices = ""
  if (match(argument, /:[{].*[}]/)) choices = substr(argument, RSTART + 2, RLENGTH - 3)
  if (kind == "positional") choices = argument ~ /:DIR/ ? "DIR" : argument ~ /:(FILE|PATH)/ ? "FILE" : choices
  sub(/:.*/, "", argument); sub(/[{][^}]*[}]/, "", parts[1]); sub(/=.*/, "", argument)
  print kind, parts[1], argument, choices, text
}
END {
  for (i = 1; i <= NR; i++) {
    if (line[i] ~ /^Usage: /) continue
    if (line[i] ~ /^(\[Option Group: .*\]|Options:)$/) { kind = "option"; continue }
    if (line[i] == "Positionals:") { kind = "positional"; continue }
    if (line[i] == "Subcommands:") { kind = "command"; continue }
    if (kind != "" && kind != "footer" && line[i] ~ /^[^ ]/) kind = "footer"
    if (kind == "footer") print "footer", "", "", "", line[i]
    else if (line[i] == "") continue
    else if (kind == "") print "about", "", "", "", line[i]
    else entry(kind)
  }
}
