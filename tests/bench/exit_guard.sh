#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# exit_guard.sh VMFLOWD GROUND_TRUTH: fails if vmflowd, with its recorder off, adds more than 10 % above the figure of
# cost_per_exit.txt to the pair of a CPUID exit and entry. Instructions are counted, so other work on this machine changes
# nothing. Who makes it cheaper, or has a reason for more, commits the new figure.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
figure=$here/cost_per_exit.txt
if [[ -z ${VMFLOW_LAB-} ]]; then
  # It says "skipped" without QEMU, or fails where the lab is required.
  exec "$here/../lab/run_in_lab.sh" --icount -- "$here/exit_guard.sh" "$@"
fi
# shellcheck disable=SC2034 # instructions.sh uses them
vmflowd=$1 ground_truth=$2
# shellcheck source-path=SCRIPTDIR source=instructions.sh
. "$here/instructions.sh"

median() { three_runs cpuid | sort -n | sed -n 2p; }
alone=$(median)
start_agent --trace.mode off
beside=$(median)
stop_agent
added=$((beside - alone))
committed=$(grep -v '^#' "$figure")
limit=$((committed * 110 / 100))
printf 'a CPUID exit and entry: %d instructions alone, %d beside vmflowd, which adds %d; committed %d, limit %d\n' \
  "$alone" "$beside" "$added" "$committed" "$limit"
((added <= limit)) || {
  printf 'FAIL: vmflowd adds %d instructions to an exit and entry, %d more than %s allows\n' \
    "$added" "$((added - limit))" "tests/bench/${figure##*/}"
  exit 1
}
((added * 100 >= committed * 90)) || printf 'it is much cheaper now: commit %d as the new figure\n' "$added"
