#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kinds_test.sh RECORD_KINDS LAB_KINDS_TESTS: boots the lab three times, records a guest of each kind of load in each,
# and lets LAB_KINDS_TESTS judge what `vmflow cluster` makes of all of them.
set -euo pipefail

record=$1 judge=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for boot in 1 2 3; do
  "$(dirname "${BASH_SOURCE[0]}")/run_in_lab.sh" --icount --out "$out" -- "$record" "$boot" || exit
done
VMFLOW_KINDS=$out "$judge"
