#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Man pages and completions for bash, from what the programs' --help says and the texts in man/.
# write_reference.sh OUT VERSION VMFLOWD VMFLOW
set -euo pipefail
export LC_ALL=C
out=$1 version=$2 vmflowd=$3 vmflow=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || date +%s)}
rm -rf "$out"
mkdir -p "$out"/man/man{1,8} "$out/completions"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

page() { # page PROGRAM NAME SECTION: from $work/NAME
  local text=$here/man/$2.$3
  # A command without a text of its own has at least what --help says.
  [[ -e $text ]] || text=$here/man/command.1
  awk -v program="$1" -v date="$(date -u -d "@$epoch" '+%B %-d, %Y')" -v os="vmflow $version" \
    -f "$here/man.awk" "$work/$2" "$text" | gzip -9n >"$out/man/man$3/$2.$3.gz"
}

"$vmflowd" --help | awk -f "$here/help.awk" >"$work/vmflowd"
"$vmflow" --help | awk -f "$here/help.awk" >"$work/vmflow"
page vmflowd vmflowd 8
page vmflow vmflow 1
sed 's/^/\t/' "$work/vmflowd" | awk -v program=vmflowd -f "$here/completion.awk" >"$out/completions/vmflowd"

sed 's/^/\t/' "$work/vmflow" >"$work/all"
while IFS=$'\t' read -r kind command _; do
  [[ $kind == command ]] || continue
  "$vmflow" "$command" --help | awk -f "$here/help.awk" >"$work/vmflow-$command"
  page "vmflow $command" "vmflow-$command" 1
  sed "s/^/$command\t/" "$work/vmflow-$command" >>"$work/all"
done <"$work/vmflow"
awk -v program=vmflow -f "$here/completion.awk" "$work/all" >"$out/completions/vmflow"
