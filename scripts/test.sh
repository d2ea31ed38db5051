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

# What failed is said again at the end, since the output is long.
tests() { # tests PRESET [FLAG...]
  local status=0
  ctest --preset "$@" || status=$?
  ((status == 0)) || {
    say "what failed:"
    grep -E -A7 ': Failure$|what\(\):|ERROR: AddressSanitizer|^lab: |attempt [0-9]+:' "build/$1/Testing/Temporary/LastTest.log" |
      cut -c1-240 | tail -n 150
  }
  return "$status"
}

failed=0
say "unit tests under the sanitizers"
tests asan -j 2 || failed=1
say "tests that no other work on this machine disturbs"
tests release -j 2 -LE lab "$@" || failed=1
say "tests in labs, two at a time: a second time if an emulated guest is stuck"
tests release -j 2 -L lab -LE timed --repeat until-pass:2 "$@" || failed=1
say "tests by the wall's clock: up to three times, if this machine has other work too"
tests release -L timed --repeat until-pass:3 "$@" || failed=1
exit "$failed"
