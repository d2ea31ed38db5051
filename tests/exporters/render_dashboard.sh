#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Draws dashboards from what a Prometheus answers, without Grafana: pages of plain HTML, and pictures of them by Chromium.
# usage: render_dashboard.sh URL [vm=NAME] [host=REGEX] [end=SECONDS] [minutes=30]: "Why is this VM slow" of one VM
#        render_dashboard.sh --made-up: all dashboards, from half an hour of made-up VMs; a query without an answer fails.
# VMFLOW_KEEP=DIR keeps pages and pictures there; of a URL they stay in the current folder otherwise.
set -uo pipefail

if (($# == 0)); then
  printf 'usage: render_dashboard.sh URL|--made-up [vm=NAME] [host=REGEX] [end=SECONDS] [minutes=30]\n' >&2
  exit 2
fi
skip() {
  printf 'skipped: %s is missing (scripts/setup.sh installs it)\n' "$*"
  [[ ,${VMFLOW_REQUIRE-}, == *,browser,* ]] && exit 1
  exit 77 # what ctest takes for a skip
}
browser=
for program in chromium chromium-headless-shell; do
  command -v "$program" >/dev/null && browser=$program
done
[[ -n $browser ]] || skip "chromium-headless-shell"
for program in node prometheus promtool; do
  command -v "$program" >/dev/null || skip "$program"
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=stored_prometheus.sh
. "$here/stored_prometheus.sh"
dashboards=$here/../../exporters/grafana/dashboards
scratch=$(mktemp -d)
server=
trap '[[ -z $server ]] || { kill "$server"; wait "$server"; } 2>/dev/null; rm -rf "$scratch"' EXIT
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }

draw() { # draw URL DASHBOARD NAME [SETTING...]
  local url=$1 dashboard=$2 name=$3 height
  shift 3
  node "$here/grafana/draw_panels.mjs" "$url" "$dashboards/$dashboard.json" "$scratch/$name.html" "$@" >"$scratch/said" || failed=1
  cat "$scratch/said"
  height=$(sed -n 's/.*, height //p' "$scratch/said")
  [[ -n $height ]] || { fail "$name: no page"; return; }
  # Its sandbox needs user namespaces, which a test as root or in a container may not have; it sees our own page alone.
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" --hide-scrollbars \
    --window-size="1280,$height" --screenshot="$scratch/$name.png" "file://$scratch/$name.html" >"$scratch/log" 2>&1
  [[ -s $scratch/$name.png ]] || { fail "$name: no picture"; tail -n 3 "$scratch/log"; }
}

start_prometheus() { # a server of made-up data until $end; its address comes to $url
  if ! { node "$here/grafana/made_up_metrics.mjs" "$here/golden_page.txt" "$end" >"$scratch/metrics" &&
    promtool tsdb create-blocks-from openmetrics "$scratch/metrics" "$scratch/data" >"$scratch/log" 2>&1; }; then
    fail "no data: $(tail -n 1 "$scratch/log")"
    return
  fi
  serve_stored "$scratch/data" "$scratch"
}

if [[ $1 == --made-up ]]; then
  url='' end=$(($(date +%s) / 60 * 60))
  start_prometheus
  if [[ -n $url ]]; then
    draw "$url" fleet fleet "end=$end" require=data
    draw "$url" why-is-this-vm-slow why-is-this-vm-slow vm=web-1 "end=$end" require=data
    draw "$url" agent-health agent-health "end=$end" require=data
    # A VM without a name, disk, network and guests is called by its label, and shows why panels are empty.
    draw "$url" why-is-this-vm-slow nameless vm=4711-880012 "end=$end" require=nothing
    for empty in 'runs no guests of its own' 'no disk request seen yet' 'needs a tap' 'needs --collector.vcpu.per-vcpu' 'no snapshot of this VM'; do
      grep -q "class=\"empty\">[^<]*$empty" "$scratch/nameless.html" || fail "a VM without it is not told: $empty"
    done
  fi
  keep=${VMFLOW_KEEP-}
else
  draw "$1" why-is-this-vm-slow why-is-this-vm-slow "${@:2}"
  keep=${VMFLOW_KEEP-.}
fi
[[ -z $keep ]] || { mkdir -p "$keep" && cp "$scratch"/*.html "$scratch"/*.png "$keep"; }
exit "$failed"
