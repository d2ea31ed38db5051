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
say "all tests outside the lab"
ctest --preset release -j 2 -LE lab "$@"
# The lab's CPUs are emulated: they stand still, lose interrupts, and share this machine with whatever else runs on it.
say "the lab; a test that fails there is run up to three times"
ctest --preset release -j 2 -L lab --repeat until-pass:3 "$@"
