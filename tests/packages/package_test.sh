#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes the packages, looks into them, and installs, removes and purges the .deb in a Debian of its own (a chroot,
# kept in the build tree). No systemd runs there: its part is played by a program that notes what it is asked for.
# package_test.sh BUILD_DIR
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=checks.sh
source "$here/checks.sh"

case ",${VMFLOW_REQUIRE-}," in *,packages,*) skipped=1 ;; *) skipped=77 ;; esac
skip() { printf 'skipped: %s\n' "$*"; exit "$skipped"; }
for program in cpack dpkg-deb dpkg-shlibdeps file jq lintian mandoc mmdebstrap systemd-analyze; do
  command -v "$program" >/dev/null || skip "$program is not here (scripts/setup.sh installs it)"
done
((EUID == 0)) || skip "a chroot needs root"

build=$(cd "$1" && pwd) || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source-path=SCRIPTDIR source=contents.sh
source "$here/contents.sh"
# shellcheck source-path=SCRIPTDIR source=reference.sh
source "$here/reference.sh"
# shellcheck source-path=SCRIPTDIR source=lifecycle.sh
source "$here/lifecycle.sh"

make_packages
check_contents
check_metadata
check_papers
check_unit
check_reference
make_root
check_lifecycle
finish
