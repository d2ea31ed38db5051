#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# lttng_cost.sh FLIGHT GROUND_TRUTH: what recording with LTTng adds, in instructions, counted in the lab by its virtual
# time (8 ns each), to one exit and entry and to a halt woken by its own timer, of the vCPU thread. Three runs of each.
set -euo pipefail
count=2003
if [[ -z ${VMFLOW_LAB-} ]]; then
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  exec "$here/../../scripts/lab.sh" --icount --lttng -- "$here/lttng_cost.sh" "$@"
fi
flight=$1 ground_truth=$2

cpuid() {
  "$ground_truth" cpuid --count "$count" | jq ".vms[0].vcpus[0].thread_cpu_ns / 8 / $count | round"
}
halt() {
  "$ground_truth" hlt --count 201 --period-us 20000 | jq '.vms[0].vcpus[0].thread_cpu_ns / 8 / 201 | round'
}
measure() { # measure WITH
  local what runs
  for what in cpuid halt; do
    runs=()
    "$what" >/dev/null # the first one pays for cold code
    for _ in 1 2 3; do runs+=("$("$what")"); done
    mapfile -t runs < <(printf '%s\n' "${runs[@]}" | sort -n)
    printf '%-28s %-6s %6s instructions (median of %s)\n' "$1" "$what" "${runs[1]}" "${runs[*]}"
  done
}
recording() { # recording WITH [EVENT...]
  local with=$1 word stdin
  shift
  coproc "$flight" "$@"
  read -r word <&"${COPROC[0]}"
  [[ $word == records ]]
  measure "$with"
  stdin=${COPROC[1]}
  exec {stdin}>&-
  wait "$COPROC_PID"
}
measure nothing
lttng-sessiond --background
measure 'a daemon, no session'
recording 'entry and exit, contexts' kvm_x86_entry kvm_x86_exit
recording 'flight: our events'
measure 'after it'
