#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs a test in the lab; without QEMU it says "skipped", or fails where the lab is required.
# usage: run_in_lab.sh [FLAGS OF lab.sh] -- PROGRAM [ARGUMENT...]
set -uo pipefail

skipped=77 # what ctest takes for a skip
flags=()
while [[ $1 != -- ]]; do flags+=("$1"); shift; done
shift
if ! command -v qemu-system-x86_64 >/dev/null; then
  printf 'skipped: qemu-system-x86_64 is missing (scripts/setup.sh installs it)\n'
  [[ ,${VMFLOW_REQUIRE-}, =~ ,(lab|timed), ]] && exit 1
  exit "$skipped"
fi
"$(dirname "${BASH_SOURCE[0]}")/../../scripts/lab.sh" --cpu-report "${flags[@]}" -- "$@"
status=$?
# Nothing that has run is a skip, whatever it returns.
((status != skipped)) || exit 1
exit "$status"
