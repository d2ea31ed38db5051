#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a package says of itself: an SBOM (SPDX 2.3), the copyright file, the changelog. Equal from build to build on
# equal libraries, but for the date, which is SOURCE_DATE_EPOCH or that of the last commit.
# write_papers.sh OUT VERSION MAINTAINER PROGRAM...
set -euo pipefail
export LC_ALL=C
out=$1 version=$2 maintainer=$3
shift 3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_tree=$(cd "$here/../.." && pwd)
licences=$here/licences.tsv
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$source_tree" log -1 --format=%ct 2>/dev/null || date +%s)}
mkdir -p "$out"

fail() { printf 'write_papers: %s\n' "$*" >&2; exit 1; }

package_of() { # package_of FILE: who owns it, where /lib may be a link to /usr/lib
  local file
  file=$(realpath "$1")
  { dpkg-query -S "$file" || dpkg-query -S "${file#/usr}" || dpkg-query -S "/usr$file"; } 2>/dev/null | sed -n 's/:.*//;1p'
}

# Direct ones stand in the program itself; the others are what these need.
linked=$(for program in "$@"; do
  needed=$(objdump -p "$program" | awk '$1 == "NEEDED" { print $2 }')
  ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | while read -r name path; do
    package=$(package_of "$path")
    [[ -n $package ]] || fail "no package owns $path"
    if grep -qxF "$name" <<<"$needed"; then printf '%s\tlinked\n' "$package"; else printf '%s\tindirect\n' "$package"; fi
  done
done)
direct=$(awk -F '\t' '$2 == "linked" { print $1 }' <<<"$linked" | sort -u)
indirect=$(awk -F '\t' '$2 == "indirect" { print $1 }' <<<"$linked" | sort -u | grep -vxF "$direct" || true)
compiled=$(awk -F '\t' '$2 == "compiled" { print $1 }' "$licences")

row() { # row HOW PACKAGE...
  local how=$1 package licence
  shift
  for package in "$@"; do
    licence=$(awk -F '\t' -v package="$package" '$1 == package { print $3 }' "$licences")
    dpkg-query -W -f "\${Package}\t\${Version}\t\${Architecture}\t$how\t${licence:-NOASSERTION}\n" "$package" | head -n 1
  done
}
# shellcheck disable=SC2086 # names of packages have no spaces
{ row linked $direct; row compiled $compiled; row indirect $indirect; } | sort >"$out/libraries.tsv"

made=$(jq -R -s --arg version "$version" --arg created "$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)" \
  --arg digest "$({ echo "$version"; cat "$out/libraries.tsv"; } | sha256sum | cut -c1-32)" -f "$here/sbom.jq" "$out/libraries.tsv")
printf '%s\n' "$made" >"$out/vmflow.spdx.json"

libraries=$(awk -F '\t' '$4 != "indirect" { printf "  %s (%s, %s)\\n", $1, $4, $5 }' "$out/libraries.tsv")
dual=$(cd "$source_tree" && grep -l 'SPDX.*OR Apache-2.0' bpf/*.h | tr '\n' ' ')
awk -v libraries="${libraries%\\n}" -v dual="${dual% }" '
  $0 == "@LIBRARIES@" { print libraries; next }
  { sub(/@DUAL@/, dual); print }' "$here/copyright.in" >"$out/copyright"

revision=$(git -C "$source_tree" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
printf 'vmflow (%s) bookworm; urgency=medium\n\n  * Built from revision %s.\n\n -- %s  %s\n' \
  "$version" "$revision" "$maintainer" "$(date -u -R -d "@$epoch")" | gzip -9n >"$out/changelog.gz"
