# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: a tool that runs beside what is measured until it is told to end.

tool='' tool_input='' tool_output='' tool_errors=$(mktemp)

# Ready once it has printed a line that matches PATTERN: it has attached then. Else it has ended.
begin_tool() { # begin_tool PATTERN COMMAND...
  local pattern=$1 line
  shift
  coproc "$@" 2>"$tool_errors"
  tool=$COPROC_PID
  # Bash forgets its own ends of the pipes when the tool ends.
  exec {tool_output}<&"${COPROC[0]}" {tool_input}>&"${COPROC[1]}"
  eval "exec ${COPROC[0]}<&- ${COPROC[1]}>&-"
  while read -r line <&"$tool_output"; do
    # shellcheck disable=SC2053 # a pattern
    [[ $line != $pattern ]] || return 0
  done
  exec {tool_output}<&- {tool_input}>&-
  wait "$tool" || true
  tool=''
  return 1
}
why_no_tool() { tail -n 1 "$tool_errors" | cut -c 1-200; }

end_tool() { # end_tool [SIGNAL]: without one, by the end of its input
  exec {tool_input}>&-
  cat <&"$tool_output" >/dev/null & # what it prints at its end must have a reader
  local reader=$!
  exec {tool_output}<&-
  # bpftrace forgets a signal that comes before it begins to wait for events.
  [[ -z ${1-} ]] || while kill "-$1" "$tool" 2>/dev/null; do sleep 0.2; done
  wait "$tool" || true # of a signal
  wait "$reader"
  tool=''
}
