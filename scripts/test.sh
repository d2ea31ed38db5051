#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs, builds and runs every test; what needs the lab or the kernel is required, not skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'test: %s\n' "$*"; }

scripts/setup.sh
export VMFLOW_REQUIRE=${VMFLOW_REQUIRE-unit,kernel,lab,browser,packages}

say "building"
cmake --preset release >/dev/null
cmake --build --preset release
say "building with sanitizers"
cmake --preset asan >/dev/null
cmake --build --preset asan

say "shell scripts"
shellcheck -x scripts/*.sh scripts/lab/*.sh scripts/demo/*.sh scripts/lab/start tests/agent/*.sh tests/scripts/*.sh tests/browser/*.sh tests/exporters/*.sh tests/lab/*.sh tests/bench/*.sh \
  scripts/package/*.sh tests/packages/package_test.sh \
  tests/support/linux_guest/*.sh
shellcheck -x -s dash scripts/lab/init scripts/package/postinst scripts/package/prerm scripts/package/postrm

# What failed is said again after all phases, since each one's output is long.
failures=$(mktemp)
trap 'rm -f "$failures"' EXIT
tests() { # tests WHAT PRESET [FLAG...]
  local what=$1 logs=build/$2/Testing/Temporary
  shift
  say "$what"
  ctest --preset "$@" || {
    printf '%s\n' "$what:"
    sed 's/^/  /' "$logs/LastTestsFailed.log" || :
    grep -E -A7 ': Failure$|what\(\):|ERROR: AddressSanitizer|^FAIL|^lab: |attempt [0-9]+:' "$logs/LastTest.log" |
      cut -c1-240 | tail -n 100 || :
  } >>"$failures"
}

tests "unit tests under the sanitizers" asan -j 2
tests "tests that no other work on this machine disturbs" release -j 2 -LE lab "$@"
tests "tests in labs, two at a time: a second time if an emulated guest is stuck" release -j 2 -L lab -LE timed --repeat until-pass:2 "$@"
tests "tests by the wall's clock: up to three times, if this machine has other work too" release -L timed --repeat until-pass:3 "$@"
[[ ! -s $failures ]] || {
  say "what failed:"
  cat "$failures"
  exit 1
}
