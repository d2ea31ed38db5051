#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The page of `vmflow cluster` in headless Chromium, with names that want to be scripts: wide and narrow, light and dark, and no
# word on its console. usage: clusters_test.sh VMFLOW; VMFLOW_KEEP=DIR keeps the pictures there.
set -uo pipefail

if ! command -v chromium-headless-shell >/dev/null; then
  printf 'skipped: chromium-headless-shell is missing (scripts/setup.sh installs it)\n'
  [[ ,${VMFLOW_REQUIRE-}, == *,browser,* ]] && exit 1
  exit 77 # what ctest takes for a skip
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }

{
  printf 'host,vm,name,begin_seconds,end_seconds,state_guest_ratio,wait_disk_ratio,"wait_<b onload=""alert(2)"">_ratio"\n'
  for i in {0..39}; do
    printf 'h,vm-%d,"<img src=x onerror=""console.error(1)""><script>console.error(%d)</script>",0,60,0.%d%d,0.%d%d,0.%d\n' \
      "$i" "$i" $((i < 20 ? 1 : 8)) $((i % 7)) $((i < 20 ? 7 : 0)) $((i % 5)) $((i % 3))
  done
} >"$scratch/features.csv"
"$1" cluster "$scratch/features.csv" --format html --output "$scratch/clusters.html" || fail "no page was written"

for width in 1280 390; do
  for scheme in light dark; do
    preferred=1
    [[ $scheme == dark ]] && preferred=0
    # Its sandbox needs user namespaces, which a test as root or in a container may not have; it sees our own page alone.
    browse=(timeout 120 chromium-headless-shell --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" --enable-logging=stderr
      --hide-scrollbars --window-size="$width,2000" --blink-settings="preferredColorScheme=$preferred")
    "${browse[@]}" --dump-dom "file://$scratch/clusters.html" 2>"$scratch/log" >"$scratch/dom"
    grep CONSOLE "$scratch/log" && fail "$width px, $scheme is not silent"
    "${browse[@]}" --screenshot="$scratch/$width-$scheme.png" "file://$scratch/clusters.html" >/dev/null 2>&1
    [[ -s $scratch/$width-$scheme.png ]] || fail "no picture"
    points=$(grep -c 'class="point group-[0-9][^"]*"><title>&lt;img' "$scratch/dom")
    elements=$(grep -ciE '<(img|script|b )' "$scratch/dom")
    printf '%s px, %s: %s points, %s elements out of names\n' "$width" "$scheme" "$points" "$elements"
    ((points == 40 && elements == 0)) || fail "$width px, $scheme"
  done
done

[[ -z ${VMFLOW_KEEP-} ]] || { mkdir -p "$VMFLOW_KEEP" && cp "$scratch"/*.png "$scratch/clusters.html" "$VMFLOW_KEEP"; }
exit "$failed"
