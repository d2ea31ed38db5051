# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the parts of package_test.sh say with.
failures=0
say() { printf '%s\n' "$*"; }
bad() { printf 'FAIL: %s\n' "$*"; failures=$((failures + 1)); }
die() { bad "$*"; exit 1; }
# expect WHAT COMMAND...: says WHAT if COMMAND fails.
expect() {
  local what=$1
  shift
  "$@" || bad "$what"
}
finish() {
  ((failures == 0)) || { say "$failures failures"; exit 1; }
  say "packages: all is well"
}
