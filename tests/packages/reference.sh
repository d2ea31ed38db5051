# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # work, tree: of package_test.sh and contents.sh
# Pages and completions against --help, which is read here in another way than they were made.
flags_of() { # flags_of PROGRAM [COMMAND]: those that its lines begin with
  "$@" --help | sed -nE 's/^ {2,4}(-[^ ]*).*/\1/p' | sed 's/{[^}]*}//g' | tr ',' '\n' | sort -u
}

commands_of() { # commands_of PROGRAM
  "$1" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z][^ ]*\).*/\1/p'
}

# completed PROGRAM WORD...: what bash would offer for the last word.
completed() {
  bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1"; printf "%s\n" "${COMPREPLY[@]}"' \
    bash "$tree/usr/share/bash-completion/completions/$1" "$@" | sort -u
}

# check_program PAGE PROGRAM [COMMAND]
check_program() {
  local page=$1 name rendered flags flag missing
  shift
  name=$(basename "$1")
  flags=$(flags_of "$@")
  [[ $(wc -l <<<"$flags") -ge 2 ]] || bad "--help of $* lists no flags"
  missing=$(diff <(echo "$flags") <(completed "$name" "${@:2}" -)) ||
    bad "completion of $name ${*:2} (>) and --help (<) differ:"$'\n'"$missing"
  mandoc -T lint -W error "$page" || bad "$page does not render"
  rendered=$(mandoc -T ascii "$page" | col -b)
  for flag in $flags; do
    grep -qE "^ +(.*, )?$flag(,| |\$)" <<<"$rendered" || bad "$page has no $flag"
  done
}

check_reference() {
  local man=$tree/usr/share/man vmflowd=$build/agent/vmflowd vmflow=$build/agent/vmflow command
  check_program "$man/man8/vmflowd.8.gz" "$vmflowd"
  check_program "$man/man1/vmflow.1.gz" "$vmflow"
  [[ $(commands_of "$vmflow") == *snapshot* ]] || bad "vmflow --help lists no commands"
  expect "completion of vmflow's commands" diff <(commands_of "$vmflow" | sort) <(completed vmflow '')
  for command in $(commands_of "$vmflow"); do
    [[ -e $man/man1/vmflow-$command.1.gz ]] || { bad "no page of vmflow $command"; continue; }
    check_program "$man/man1/vmflow-$command.1.gz" "$vmflow" "$command"
  done
  expect "completion of choices" diff <(printf '%s\n' html json perfetto text) <(completed vmflow analyze --format '')
}
