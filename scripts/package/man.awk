# SPDX-License-Identifier: GPL-2.0-only
# A page in mdoc: the text in the second file, whose lines @SYNOPSIS@, @OPTIONS@, @COMMANDS@, @EXAMPLES@ and @ABOUT@
# become what the first file, of help.awk, has of them. Variables: program, date, os.
BEGIN { FS = "\t" }
function plain(text) { # as running text: nothing in it is a request
  gsub(/\\/, "\\e", text)
  return text ~ /^[.']/ ? "\\&" text : text
}
function flag(names,    all, count, n, out) {
  count = split(names, all, ",")
  for (n = 1; n <= count; n++) {
    sub(/^-/, "", all[n])
    sub(/^!/, "", all[n])
    out = out (n > 1 ? " , " : "") "Fl " all[n]
  }
  return out
}
function argument(name, choices) { # of choices the argument is one
  if (choices != "") gsub(/,/, " | ", choices)
  return name == "" ? "" : " Ar " (choices == "" ? name : choices)
}
FNR == NR { kind[++count] = $1; name[count] = $2; arg[count] = $3; choices[count] = $4; text[count] = $5; next }
function list(wanted,    n) {
  for (n = 1; n <= count; n++) {
    if (kind[n] != wanted) continue
    print wanted == "option" ? ".It " flag(name[n]) argument(arg[n], choices[n]) : wanted == "command" ? ".It Xr " program "-" name[n] " 1" : ".It Ar " name[n]
    print plain(text[n])
  }
}
function synopsis(    n, first, commands) {
  print ".Nm " program
  for (n = 1; n <= count; n++) {
    first = name[n]; sub(/,.*/, "", first) # the others are in the list of options
    if (kind[n] == "option") print ".Op " flag(first) argument(arg[n], choices[n])
    if (kind[n] == "command") commands = 1
  }
  for (n = 1; n <= count; n++) if (kind[n] == "positional") print ".Ar " name[n] " ..."
  if (commands) print ".Ar command ..."
}
# Its examples stay as they are; what follows them, too.
function examples(    n, shown) {
  for (n = 1; n <= count; n++) {
    if (kind[n] != "footer") continue
    if (text[n] == "Examples:") { print ".Bd -literal"; shown = 1; continue }
    if (shown) print plain(text[n])
  }
  if (shown) print ".Ed"
}
$0 == "@SYNOPSIS@" { synopsis(); next }
$0 == "@OPTIONS@" { list("positional"); list("option"); next }
$0 == "@COMMANDS@" { list("command"); next }
$0 == "@EXAMPLES@" { examples(); next }
$0 == "@ABOUT@" { for (n = 1; n <= count; n++) if (kind[n] == "about") print ".Nd " plain(text[n]); next }
{ dashed = program; sub(/ /, "-", dashed); gsub(/@DASHED@/, dashed); gsub(/@TITLE@/, toupper(dashed)); gsub(/@DATE@/, date); gsub(/@OS@/, os); print }
