#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# record_hosts.sh BUILD OUT.tar.xz: records two labs that a wire connects, and packs what they have recorded, as
# tests/agent/recorded/two_hosts.tar.xz is. OUT.tar.xz must not exist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

(($# == 2)) || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
build=$1 packed=$2 port=${VMFLOW_WIRE_PORT:-9781}
[[ ! -e $packed ]] || { printf 'record_hosts: %s exists\n' "$packed" >&2; exit 1; }
program=$build/tests/lab/record_host
out=$(mktemp -d)
labs=()
trap 'kill "${labs[@]}" 2>/dev/null || true; rm -rf "$out"' EXIT

say() { printf 'record_hosts: %s\n' "$*"; }
wait_for() { # wait_for FILE: while the labs run
  until [[ -e $1 ]]; do
    for lab in "${labs[@]}"; do
      kill -0 "$lab" 2>/dev/null || { say "a lab ended before $1 was there"; exit 1; }
    done
    sleep 0.5
  done
}

(cd "$build" && ctest -R '^lab_linux_guest_image$' >/dev/null)
say "the server's host boots"
scripts/lab.sh --lttng --wire "listen:$port" --out "$out/server" -- "$program" server &
labs+=($!)
wait_for "$out/server/ready"
say "the client's host boots"
scripts/lab.sh --lttng --wire "connect:$port" --out "$out/client" -- "$program" client &
labs+=($!)
wait_for "$out/client/done"
wait_for "$out/server/done"
for host in client server; do
  mkdir -p "$out/packed/$host"
  cp -r "$out/$host/snapshot/." "$out/packed/$host"
  rm -rf "$out/packed/$host/"report.*
done
XZ_OPT=-9e tar -C "$out/packed" --sort=name --owner=0 --group=0 --mtime=@0 -cJf "$packed" client server
say "$packed has $(stat -c %s "$packed") bytes"
