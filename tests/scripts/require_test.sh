#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Whatever may say "skipped" fails where VMFLOW_REQUIRE names its label. Shown on a machine without QEMU,
# Chromium, promtool, npm and tmux: a PATH without them.
# usage: require_test.sh BUILD
set -uo pipefail
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$(mktemp -d)
build=$1
trap 'rm -rf "$bin"' EXIT
for program in bash sh env dirname mktemp rm; do ln -s "$(command -v "$program")" "$bin/$program"; done

failed=0
expect() { # expect STATUS REQUIRED NAME COMMAND...
  local wanted=$1 required=$2 name=$3 got
  shift 3
  VMFLOW_REQUIRE=$required PATH=$bin "$@" </dev/null >/dev/null 2>&1
  got=$?
  printf '%s with VMFLOW_REQUIRE=%s: %s\n' "$name" "$required" "$got"
  [[ $got == "$wanted" ]] || { printf 'FAIL: expected %s\n' "$wanted"; failed=1; }
}
# Each test of the build that may skip, with the labels that ctest has of it: none can be forgotten here.
all=(unit kernel lab browser packages)
rows=$(ctest --test-dir "$build" --show-only=json-v1 | jq -r '.tests[] | select(any(.properties[]; .name == "SKIP_RETURN_CODE"))
  | [.name, ([.properties[] | select(.name == "LABELS").value[]] | join(",")), .command[]] | @tsv')
[[ -n $rows ]] || { printf 'FAIL: no test of %s may skip\n' "$build"; failed=1; }
while IFS=$'\t' read -r -a row; do
  name=${row[0]} labels=${row[1]} command=("${row[@]:2}") others=''
  for label in "${all[@]}"; do [[ ,$labels, == *,$label,* ]] || others+=${others:+,}$label; done
  expect 77 '' "$name" "${command[@]}"
  expect 77 "$others" "$name" "${command[@]}"
  for label in ${labels//,/ }; do # timed, too: some tests in labs have that beside lab
    expect 1 "$label" "$name" "${command[@]}"
    expect 1 "$others,$label" "$name" "${command[@]}"
  done
done <<<"$rows"
# Not covered above means not seen: nothing else in the tests may skip.
others=$(PATH=/usr/bin:/bin grep -rlE 'SKIP_RETURN_CODE|GTEST_SKIP|exit 77|skipped=77' "$tests" | PATH=/usr/bin:/bin sort)
known=$(printf '%s\n' "$tests"/{CMakeLists.txt,agent/features_test.sh,agent/top_test.sh,bench/CMakeLists.txt,browser/clusters_test.sh,browser/report_test.sh,exporters/dashboards_test.sh,exporters/recorded_test.sh,exporters/render_dashboard.sh,exporters/rules_test.sh,lab/CMakeLists.txt,lab/run_in_lab.sh,packages/package_test.sh,packages/service_test.sh,scripts/lab_test.sh,scripts/require_test.sh,support/linux_guest/CMakeLists.txt,support/linux_guest/make_image.sh} | PATH=/usr/bin:/bin sort)
[[ $others == "$known" ]] || { printf 'FAIL: places that may skip:\n%s\nexpected:\n%s\n' "$others" "$known"; failed=1; }
exit "$failed"
