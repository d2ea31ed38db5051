#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What vmflow analyze takes, side by side with libbabeltrace2 that reads the same trace and does nothing with it.
#   analyze_cost.sh VMFLOW WRITE_BUSY_TRACE [EVENTS...]
set -euo pipefail
vmflow=$1 writer=$2
shift 2
(($#)) || set -- 1000000 10000000
runs=3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Wall seconds and peak MiB of all of a command's processes but the largest's children.
measure() { /usr/bin/env time -f '%e %M' -o "$folder/time" "$@" >/dev/null && cat "$folder/time"; }
median() { sort -n | sed -n "$(((runs + 1) / 2))p"; }

printf '%-10s %14s %14s %8s %14s %12s\n' events 'babeltrace2 s' 'analyze s' ratio 'events/s' 'peak MiB'
for events; do
  "$writer" "$folder/trace" "$events"
  for ((run = 0; run < runs; run++)); do
    measure babeltrace2 -c sink.utils.dummy "$folder/trace" >>"$folder/floor"
    measure "$vmflow" analyze "$folder/trace" --format json >>"$folder/ours"
  done
  floor=$(cut -d' ' -f1 "$folder/floor" | median)
  ours=$(cut -d' ' -f1 "$folder/ours" | median)
  peak=$(cut -d' ' -f2 "$folder/ours" | median)
  awk -v n="$events" -v f="$floor" -v o="$ours" -v p="$peak" \
    'BEGIN { printf "%-10d %14.2f %14.2f %8.2f %14.0f %12.0f\n", n, f, o, o / f, n / o, p / 1024 }'
  rm -rf "${folder:?}"/{trace,floor,ours}
done
