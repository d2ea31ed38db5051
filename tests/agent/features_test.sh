#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vmflow features as people call it: what it writes, says and returns, against a made-up vmflowd and Prometheus.
# usage: features_test.sh VMFLOW
set -uo pipefail

vmflow=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
failed=0
if ! command -v node >/dev/null; then
  printf 'skipped: node is missing (scripts/setup.sh installs it)\n'
  [[ ,${VMFLOW_REQUIRE-}, != *,unit,* ]] && exit 77 # what ctest takes for a skip
  exit 1
fi

scratch=$(mktemp -d)
agent=
# shellcheck disable=SC2317 # the trap calls it
finish() {
  [[ -z $agent ]] || kill "$agent" 2>/dev/null
  rm -rf "$scratch"
}
trap finish EXIT

serve() { # serve MODE: sets url
  [[ -z $agent ]] || { kill "$agent"; wait "$agent" 2>/dev/null; }
  rm -f "$scratch/port"
  node "$here/features_agent.mjs" "$1" >"$scratch/port" &
  agent=$!
  for ((i = 0; i < 100; i++)); do
    [[ -s $scratch/port ]] && break
    sleep 0.1
  done
  url=http://127.0.0.1:$(<"$scratch/port")
}
features() { # features STATUS FLAG...: sets out and err
  local expected=$1 status
  shift
  "$vmflow" features "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  status=$?
  out=$(<"$scratch/out") err=$(<"$scratch/err")
  [[ $status == "$expected" ]] || { printf 'FAIL: features %s: status %s, expected %s\n%s\n' "$*" "$status" "$expected" "$err"; failed=1; }
}
says() { # says WHAT TEXT PATTERN
  if grep -qE -- "$3" <<<"$2"; then printf 'seen: %s\n' "$1"; else printf 'FAIL: %s in:\n%s\n' "$1" "$2"; failed=1; fi
}
lines() { # lines WHAT TEXT COUNT
  local count
  count=$(grep -c . <<<"$2")
  if [[ $count == "$3" ]]; then printf 'seen: %s\n' "$1"; else printf 'FAIL: %s: %s lines in:\n%s\n' "$1" "$count" "$2"; failed=1; fi
}

serve good
features 0 --agent "$url" --window 0.2
says 'the header' "$out" '^host,vm,name,begin_seconds,end_seconds,guest_ratio,'
says 'a VM' "$out" '^127\.0\.0\.1:[0-9]+,u-1,"web,1",[0-9.]+,[0-9.]+,0\.25,'
lines 'one row' "$out" 2
lines 'nothing to say' "$err" 0
features 0 --agent "$url" --window 0.2 --format json --output "$scratch/table.json"
lines 'nothing on stdout' "$out" 0
says 'JSON' "$(<"$scratch/table.json")" '"schema": "vmflow_features"'
features 0 --prometheus "$url" --from 3m --every 60
says 'another host' "$out" '^host7:9752,u-1,"web,1",'
lines 'what is missing in one line' "$err" 1
says 'and which' "$err" '^vmflow: not there in this time: .*vmflow_vm_exits_total'
serve half
features 3 --prometheus "$url" --window 60
says 'a row all the same' "$out" '^host7:9752,u-1,'
says 'what failed' "$err" '^vmflow: vmflow_vm_exits_total: Prometheus says: no; '
serve bad
features 1 --prometheus "$url"
lines 'nothing is written' "$out" 0
lines 'one line' "$err" 1
serve none
features 0 --agent "$url" --window 0.1
lines 'a header alone' "$out" 1
says 'no VM' "$err" '^vmflow: no VM runs there$'
features 1 --prometheus "$url"
says 'no VM in Prometheus' "$err" '^vmflow: no VM in this time: '
kill "$agent"
wait "$agent" 2>/dev/null
agent=
features 1 --agent "$url" --window 0.1
says 'no agent' "$err" '^vmflow: no answer from .*; is vmflowd running there\?'
features 1 --prometheus "$url"
says 'no Prometheus' "$err" '^vmflow: no answer from .*; is Prometheus running there\? --prometheus says where it is$'
lines 'in one line' "$err" 1

printf '%s\n' '{"time":"2026-01-31T12:00:00Z","id":"u-1","name":"w","guest_percent":1}' \
  '{"time":"2026-01-31T12:00:02Z","id":"u-1","name":"w","guest_percent":50,"exits_per_second":3}' >"$scratch/log.json"
features 0 --log "$scratch/log.json"
says 'a look of the log' "$out" ',u-1,w,1769860800\.000000000,1769860802\.000000000,0\.5,'
features 1 --log /dev/null
features 1 "$scratch"
lines 'no trace' "$err" 1
features 0 --list
says 'every feature' "$out" '^disk_write_bytes_per_second$'
features 2 --from yesterday
features 2 --prometheus "$url" --from yesterday
says 'what is no time' "$err" "^vmflow: --from: 'yesterday' is no time$"
features 2 --prometheus nowhere
features 2 --log "$scratch/log.json" "$scratch"
features 2 --format xml
features 1 --agent "$url" --output /nowhere/at/all --list
exit "$failed"
