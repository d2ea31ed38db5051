#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Whatever may say "skipped" fails where VMFLOW_REQUIRE names its label. Shown on a machine without QEMU,
# Chromium, promtool, npm and tmux: a PATH without them.
set -uo pipefail
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
for program in bash sh env dirname mktemp rm; do ln -s "$(command -v "$program")" "$bin/$program"; done

failed=0
expect() { # expect STATUS REQUIRED SCRIPT...
  local wanted=$1 required=$2 got
  shift 2
  VMFLOW_REQUIRE=$required PATH=$bin "$@" >/dev/null 2>&1
  got=$?
  printf '%s with VMFLOW_REQUIRE=%s: %s\n' "$(basename "$1")" "$required" "$got"
  [[ $got == "$wanted" ]] || { printf 'FAIL: expected %s\n' "$wanted"; failed=1; }
}
for script in "$tests/lab/run_in_lab.sh" "$tests/scripts/lab_test.sh" "$tests/support/linux_guest/make_image.sh"; do
  expect 77 '' "$script" -- true
  expect 77 unit,kernel "$script" -- true
  expect 1 lab "$script" -- true
  expect 1 unit,kernel,lab "$script" -- true
done
expect 1 timed "$tests/lab/run_in_lab.sh" -- true # some of its tests have that label too
expect 77 '' "$tests/browser/report_test.sh" false
expect 77 unit,kernel,lab "$tests/browser/report_test.sh" false
expect 1 unit,browser "$tests/browser/report_test.sh" false
expect 77 '' "$tests/exporters/rules_test.sh"
expect 77 kernel,lab,browser "$tests/exporters/rules_test.sh"
expect 1 unit,kernel "$tests/exporters/rules_test.sh"
expect 77 '' "$tests/exporters/dashboards_test.sh"
expect 77 kernel,lab,browser "$tests/exporters/dashboards_test.sh"
expect 1 unit,browser "$tests/exporters/dashboards_test.sh"
expect 77 unit,kernel,lab "$tests/exporters/render_dashboard.sh" --made-up
expect 1 unit,browser "$tests/exporters/render_dashboard.sh" --made-up
expect 77 '' "$tests/exporters/recorded_test.sh" true
expect 77 unit,kernel,browser "$tests/exporters/recorded_test.sh" true
expect 1 unit,lab "$tests/exporters/recorded_test.sh" true
expect 77 '' "$tests/packages/package_test.sh" build
expect 77 unit,kernel,lab,browser "$tests/packages/package_test.sh" build
expect 1 unit,packages "$tests/packages/package_test.sh" build
expect 77 '' "$tests/packages/service_test.sh" build
expect 77 unit,kernel,packages "$tests/packages/service_test.sh" build
expect 1 unit,lab "$tests/packages/service_test.sh" build
expect 77 '' "$tests/agent/top_test.sh" false
expect 77 kernel,lab,browser "$tests/agent/top_test.sh" false
expect 1 unit,browser "$tests/agent/top_test.sh" false
# Not covered above means not seen: nothing else in the tests may skip.
others=$(PATH=/usr/bin:/bin grep -rlE 'SKIP_RETURN_CODE|GTEST_SKIP|exit 77|skipped=77' "$tests" | PATH=/usr/bin:/bin sort)
known=$(printf '%s\n' "$tests"/{CMakeLists.txt,agent/top_test.sh,browser/report_test.sh,exporters/dashboards_test.sh,exporters/recorded_test.sh,exporters/render_dashboard.sh,exporters/rules_test.sh,lab/CMakeLists.txt,lab/run_in_lab.sh,packages/package_test.sh,packages/service_test.sh,scripts/lab_test.sh,scripts/require_test.sh,support/linux_guest/CMakeLists.txt,support/linux_guest/make_image.sh} | PATH=/usr/bin:/bin sort)
[[ $others == "$known" ]] || { printf 'FAIL: places that may skip:\n%s\nexpected:\n%s\n' "$others" "$known"; failed=1; }
exit "$failed"
