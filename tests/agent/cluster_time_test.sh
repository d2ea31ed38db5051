#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# How long `vmflow cluster` takes for 10,000 VMs with 40 features, in one stage and in two, from CSV to each format; and that
# it says the same twice. usage: cluster_time_test.sh VMFLOW
set -euo pipefail

vmflow=$1 most=5
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }

# Six kinds, told by a generator of its own: awk's random numbers are others elsewhere.
awk -v vms=10000 'function part() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
  function noise(  i, sum) { for (i = 0; i < 12; i++) sum += part(); return sum - 6 }
  BEGIN {
    seed = 42
    printf "host,vm,name,begin_seconds,end_seconds"
    for (c = 0; c < 40; c++) printf ",%s%d%s", c < 20 ? "wait_" : "exits_", c, c < 20 ? "_ratio" : "_per_second"
    print ""
    for (k = 0; k < 6; k++) for (c = 0; c < 40; c++) middle[k, c] = (c < 20 ? 0.3 : 3000) * (2 + noise())
    for (i = 0; i < vms; i++) {
      k = int(6 * part() * part())
      printf "h,vm-%d,name-%d,0,60", i, i
      for (c = 0; c < 40; c++) printf ",%.6g", middle[k, c] + (c < 20 ? 0.1 : 1000) * noise()
      print ""
    }
  }' >"$scratch/features.csv"

TIMEFORMAT='%R %U %S'
run() { # run FORMAT FLAG...: prints the seconds and checks those of a CPU
  local format=$1 times wall user system
  shift
  times=$({ time "$vmflow" cluster "$scratch/features.csv" --format "$format" "$@" >"$scratch/out.$format"; } 2>&1)
  read -r wall user system <<<"$times"
  printf '%-5s %s: %s s, %s s of a CPU\n' "$format" "$*" "$wall" "$(awk "BEGIN { print $user + $system }")"
  awk "BEGIN { exit !($user + $system < $most) }" || fail "more than $most s"
}

for stages in 1 2; do
  for format in text json html; do run "$format" --stages "$stages"; done
  head -n 1 "$scratch/out.text"
  cp "$scratch/out.json" "$scratch/first.json"
  run json --stages "$stages"
  cmp "$scratch/first.json" "$scratch/out.json" || fail "the same seed gives something else"
done
exit "$failed"
