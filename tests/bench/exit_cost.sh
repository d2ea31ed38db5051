#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# exit_cost.sh VMFLOWD GROUND_TRUTH: what vmflow adds, in instructions, counted in the lab by its virtual time (8 ns
# each): to one exit and entry, of the vCPU thread; to a round trip over a pipe between two tasks that are no vCPUs, which
# is two switches and two wake-ups; to a halt woken by its own timer, of the vCPU thread. Three runs of each, side by
# side in one lab, while the agent stands still: its looks, once a second, have a price of their own; and that for each mode
# of the flight recorder, vmflow's own ring alone.
set -euo pipefail
count=2003
if [[ -z ${VMFLOW_LAB-} ]]; then
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  exec "$here/../../scripts/lab.sh" --icount -- "$here/exit_cost.sh" "$@"
fi
vmflowd=$1 ground_truth=$2

cpuid() { # of one CPUID, from exit to exit
  "$ground_truth" cpuid --count "$count" | jq ".vms[0].vcpus[0].thread_cpu_ns / 8 / $count | round"
}
halt() { # of one HLT: exit, sleep, wake-up, entry
  "$ground_truth" hlt --count 201 --period-us 20000 | jq '.vms[0].vcpus[0].thread_cpu_ns / 8 / 201 | round'
}
pipe() { # of one round trip; perf prints milliseconds
  perf bench -f simple sched pipe -l 20000 | jq -n 'input * 1e9 / 8 / 20000 | round'
}
declare -A median
measure() { # measure WITH WHAT
  local with=$1 what=$2 runs=()
  "$what" >/dev/null # the first one pays for cold code
  for _ in 1 2 3; do runs+=("$("$what")"); done
  mapfile -t runs < <(printf '%s\n' "${runs[@]}" | sort -n)
  printf '%-6s %-10s %6s instructions (median of %s)\n' "$what" "$with" "${runs[1]}" "${runs[*]}"
  median["$with $what"]=${runs[1]}
}
agent=''
start() { # start MODE: of its flight recorder
  "$vmflowd" --log.level error --web.listen-address 127.0.0.1:9752 --trace.mode "$1" --trace.dir /run/snapshots \
    --trace.min-free-mib 0 --trace.ring-mib-per-cpu 4 --trigger.rules none &
  agent=$!
  until curl -sf -o /dev/null http://127.0.0.1:9752/-/ready; do sleep 0.5; done
  sleep 2 # for its first second it compares exit codes
  kill -STOP "$agent"
}
stop() {
  kill -CONT "$agent"
  kill "$agent"
  wait "$agent"
}
for what in cpuid halt pipe; do measure nothing "$what"; done
for mode in ${VMFLOW_BENCH_MODES:-off on-trigger flight}; do
  start "$mode"
  for what in cpuid halt pipe; do
    measure "$mode" "$what"
    printf '%-6s %-10s added %6s\n' "$what" "$mode" "$((${median["$mode $what"]} - ${median["nothing $what"]}))"
  done
  stop
done
