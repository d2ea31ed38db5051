#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes the .deb, and a Debian with systemd, which the lab boots; service.sh installs the one in the other, and looks at
# the service there.
# service_test.sh BUILD_DIR
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=checks.sh
source "$here/checks.sh"

case ",${VMFLOW_REQUIRE-}," in *,lab,*) skipped=1 ;; *) skipped=77 ;; esac
skip() { printf 'skipped: %s\n' "$*"; exit "$skipped"; }
for program in cpack dpkg-deb dpkg-shlibdeps mmdebstrap qemu-system-x86_64; do
  command -v "$program" >/dev/null || skip "$program is not here (scripts/setup.sh installs it)"
done
((EUID == 0)) || skip "a Debian of its own needs root"

build=$(cd "$1" && pwd) || exit 1
# In the build tree: /tmp is empty in the lab.
mkdir -p "$build/tests/packages"
work=$(mktemp -d "$build/tests/packages/service.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
# shellcheck source-path=SCRIPTDIR source=contents.sh
source "$here/contents.sh"
# shellcheck source-path=SCRIPTDIR source=lifecycle.sh
source "$here/lifecycle.sh"

make_packages
make_debian systemd,systemd-sysv,curl,bpftool
mkdir "$work/debian"
tar -xf "$saved" -C "$work/debian" --exclude='./dev/*' || die "cannot unpack $saved"
rm -f "$work/debian/usr/sbin/policy-rc.d"
expect "the service, in the lab" "$source_tree/scripts/lab.sh" --cpu-report --timeout 400 --boot "$work/debian" -- \
  "/machine$here/service.sh" "$deb" "$build/tests/support/ground_truth/ground_truth"
finish
