#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# trace_cost.sh BUILD [EVENTS...]: what vmflow analyze takes, beside babeltrace2 that reads the same trace and does nothing
# with it, or prints it as text. Prints one row of JSON for each (tables.jq makes tables of them); says on stderr what it does.
set -euo pipefail
vmflow=$1/agent/vmflow writer=$1/tests/bench/write_busy_trace
shift
(($#)) || set -- 1000000 10000000
runs=3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

say() { printf 'bench trace: %s\n' "$*" >&2; }
# Wall seconds and peak MiB of the largest of a command's processes.
measure() { # measure WITH COMMAND...
  local with=$1
  shift
  /usr/bin/env time -f '%e %M' -o "$folder/time" "$@" >/dev/null
  awk -v with="$with" '{ printf "{\"with\": \"%s\", \"s\": %s, \"mib\": %s}\n", with, $1, $2 / 1024 }' "$folder/time"
}

for events; do
  say "writing a trace of $events events"
  "$writer" "$folder/trace" "$events"
  for ((run = 1; run <= runs; run++)); do
    say "$events events, run $run of $runs"
    measure 'babeltrace2 to its dummy sink' babeltrace2 -c sink.utils.dummy "$folder/trace"
    measure 'vmflow analyze' "$vmflow" analyze "$folder/trace" --format json
    measure 'babeltrace2 to text' babeltrace2 "$folder/trace"
  done >"$folder/runs"
  jq -cs --argjson events "$events" 'group_by(.with)[]
    | {part: "trace", what: "seconds", events: $events, with: .[0].with, unit: "s", runs: map(.s), peak_mib: map(.mib)}' \
    "$folder/runs"
  rm -rf "$folder/trace"
done
