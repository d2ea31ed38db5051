#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# record_pipeline.sh BUILD OUT.tar.xz: records in a lab a VM in which three processes hand work around, and packs it, as
# tests/agent/recorded/pipeline.tar.xz is. OUT.tar.xz must not exist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

(($# == 2)) || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
build=$1 packed=$2
[[ ! -e $packed ]] || { printf 'record_pipeline: %s exists\n' "$packed" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

(cd "$build" && ctest -R '^lab_linux_guest_image$' >/dev/null)
scripts/lab.sh --out "$out" --timeout 900 -- "$build/tests/lab/record_pipeline"
cat "$out/truth"
mkdir "$out/pipeline"
cp -r "$out/snapshot/." "$out/pipeline"
rm -f "$out/pipeline"/report.*
XZ_OPT=-9e tar -C "$out" --sort=name --owner=0 --group=0 --mtime=@0 -cJf "$packed" pipeline
printf 'record_pipeline: %s has %s bytes\n' "$packed" "$(stat -c %s "$packed")"
