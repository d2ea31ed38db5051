#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# linux_guest.sh FILE: makes the root file system of the demo's Linux guest, a busybox that works a little and rests.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/dev" "$root/proc"
cp /bin/busybox "$root/bin/busybox"
for applet in sh mount mkfifo echo; do ln -s busybox "$root/bin/$applet"; done
cat >"$root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
echo 'linux guest is up'
# A small request every second, by the shell alone: a new process costs an emulated CPU a lot.
mkfifo /wait
exec 3<>/wait
while :; do
  read -r line </proc/uptime
  read -r -t 1 line <&3
done
END
chmod 755 "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$1"
