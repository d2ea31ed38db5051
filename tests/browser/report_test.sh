#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A report of 100,000 intervals in headless Chromium: wide and narrow, light and dark; used by probe.js, and no word on its console.
# usage: report_test.sh WRITE_REPORT; VMFLOW_KEEP=DIR keeps the pictures there.
set -uo pipefail

if ! command -v chromium-headless-shell >/dev/null; then
  printf 'skipped: chromium-headless-shell is missing (scripts/setup.sh installs it)\n'
  [[ ,${VMFLOW_REQUIRE-}, == *,browser,* ]] && exit 1
  exit 77 # what ctest takes for a skip
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }

"$1" >"$scratch/report.html" || fail "no report was written"
cp "$here"/probe.{html,js} "$scratch"
most=$((15 * 1024 * 1024)) size=$(stat -c %s "$scratch/report.html")
printf 'the report has %s bytes\n' "$size"
((size > 0 && size < most)) || fail "more than $most bytes"

browse() { # browse PAGE WIDTH SCHEME [FLAG...]: the page's DOM comes to $scratch/dom; a word on its console is a failure
  local page=$1 width=$2 scheme=$3 preferred=1
  shift 3
  [[ $scheme == dark ]] && preferred=0
  # Its sandbox needs user namespaces, which a test as root or in a container may not have; it sees our own page alone.
  timeout 120 chromium-headless-shell --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" --allow-file-access-from-files \
    --enable-logging=stderr --hide-scrollbars --window-size="$width,800" --blink-settings="preferredColorScheme=$preferred" "$@" \
    --dump-dom "file://$scratch/$page#$scheme" 2>"$scratch/log" >"$scratch/dom"
  grep CONSOLE "$scratch/log" && fail "$page, $width px, $scheme is not silent"
}

for width in 1280 390; do
  for scheme in light dark; do
    printf '%s px, %s\n' "$width" "$scheme"
    browse probe.html "$width" "$scheme"
    sed -n '/<pre id="results">/,/<\/pre>/p' "$scratch/dom" | sed 's/<[^>]*>//g' >"$scratch/results"
    sed 's/^/  /' "$scratch/results"
    grep -q '^FAIL' "$scratch/results" && fail "$width px, $scheme"
    grep -q '^done' "$scratch/results" || { fail "$width px, $scheme: the probe did not come to its end"; tail -n 5 "$scratch/log"; }
    browse report.html "$width" "$scheme" --window-size="$width,2400" --virtual-time-budget=3000 --screenshot="$scratch/$width-$scheme.png"
    [[ -s $scratch/$width-$scheme.png ]] || fail "no picture"
  done
done

[[ -z ${VMFLOW_KEEP-} ]] || { mkdir -p "$VMFLOW_KEEP" && cp "$scratch"/*.png "$scratch/report.html" "$VMFLOW_KEEP"; }
exit "$failed"
