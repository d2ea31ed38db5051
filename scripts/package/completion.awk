# SPDX-License-Identifier: GPL-2.0-only
# A completion for bash from lines of help.awk, each behind the subcommand that it belongs to ("" for the program's
# own). Variable: program.
BEGIN { FS = "\t" }
function add_flags(command, names,    all, count, n) {
  count = split(names, all, ",")
  for (n = 1; n <= count; n++) { sub(/^!/, "", all[n]); flags[command] = flags[command] " " all[n] }
}
function pattern(command, names,    all, count, n, out) {
  count = split(names, all, ",")
  for (n = 1; n <= count; n++) out = out (n > 1 ? " | " : "") "'" command " " all[n] "'"
  return out
}
$2 == "command" { commands = commands " " $3; next }
{ known[$1] = 1 }
$2 == "option" {
  add_flags($1, $3)
  if ($4 != "") {
    words = $5; gsub(/,/, " ", words)
    values = values "    " pattern($1, $3) ") " (words != "" ? "_" program "_words '" words "'" : "_" program "_files") "; return ;;\n"
  }
}
$2 == "positional" && $5 == "DIR" { folders[$1] = 1 }
END {
  sub(/^ /, "", commands)
  print "# Generated from --help.\n_" program "_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }"
  print "_" program "_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen \"${1:--f}\" -- \"$word\"); }"
  print "_" program "() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' at"
  print "  COMPREPLY=()"
  if (commands != "") {
    list = commands; gsub(/ /, " | ", list)
    print "  for ((at = 1; at < COMP_CWORD; at++)); do\n    case ${COMP_WORDS[at]} in " list ") command=${COMP_WORDS[at]}; break ;; esac\n  done"
  }
  printf "  case \"$command $before\" in\n%s  esac\n", values
  print "  case $command in"
  for (command in known) {
    printf "    '%s')\n      if [[ $word == -* ]]; then _%s_words '%s'", command, program, substr(flags[command], 2)
    print command == "" && commands != "" ? "; else _" program "_words '" commands "'; fi ;;" : \
      folders[command] ? "; else _" program "_files -d; fi ;;" : "; fi ;;"
  }
  print "  esac\n}\ncomplete -F _" program " " program
}
