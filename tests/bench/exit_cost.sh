#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# exit_cost.sh VMFLOWD GROUND_TRUTH: what vmflow adds to one exit and entry, in instructions of the vCPU thread, counted
# in the lab by its virtual time (8 ns each). Three runs of each, side by side in one lab.
set -euo pipefail
count=2003
if [[ -z ${VMFLOW_LAB-} ]]; then
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  exec "$here/../../scripts/lab.sh" --icount -- "$here/exit_cost.sh" "$@"
fi
vmflowd=$1 ground_truth=$2

instructions() { # of one CPUID, from exit to exit
  "$ground_truth" cpuid --count "$count" | jq ".vms[0].vcpus[0].thread_cpu_ns / 8 / $count | round"
}
measure() {
  local what=$1 runs=()
  instructions >/dev/null # the first one pays for cold code
  for _ in 1 2 3; do runs+=("$(instructions)"); done
  mapfile -t runs < <(printf '%s\n' "${runs[@]}" | sort -n)
  printf '%-12s %s instructions a CPUID exit (median of %s)\n' "$what" "${runs[1]}" "${runs[*]}"
  median=${runs[1]}
}
measure nothing
alone=$median
"$vmflowd" --log.level error --web.listen-address 127.0.0.1:9752 &
agent=$!
until curl -sf -o /dev/null http://127.0.0.1:9752/-/ready; do sleep 0.5; done
measure vmflowd
printf '%-12s %s instructions for the pair of exit and entry\n' added $((median - alone))
kill "$agent"
wait "$agent"
