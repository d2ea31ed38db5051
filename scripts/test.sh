#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs, builds and runs every test; what needs the lab or the kernel is required, not skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'test: %s\n' "$*"; }

scripts/setup.sh
export VMFLOW_REQUIRE=${VMFLOW_REQUIRE-unit,kernel,lab,browser}

say "building"
cmake --preset release >/dev/null
cmake --build --preset release
say "building with sanitizers"
cmake --preset asan >/dev/null
cmake --build --preset asan

say "shell scripts"
shellcheck -x scripts/*.sh scripts/lab/*.sh scripts/demo/*.sh scripts/lab/start tests/scripts/*.sh tests/browser/*.sh tests/lab/*.sh tests/bench/*.sh \
  tests/support/linux_guest/*.sh
shellcheck -x -s dash scripts/lab/init

say "unit tests under the sanitizers"
ctest --preset asan
say "all tests"
ctest --preset release -j 2 "$@"
