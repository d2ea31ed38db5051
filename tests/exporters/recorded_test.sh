#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A real Prometheus watches a lab in which every rule has its scenario (tests/lab/prometheus_test.cpp); then what it has
# stored is asked what the dashboards ask: a query or a rule without an answer fails.
# usage: recorded_test.sh PROGRAM; VMFLOW_KEEP=DIR keeps the data there, for a Prometheus of your own.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for program in node prometheus prometheus-alertmanager; do
  command -v "$program" >/dev/null && continue
  printf 'skipped: %s is missing (scripts/setup.sh installs it)\n' "$program"
  [[ ,${VMFLOW_REQUIRE-}, =~ ,(lab|timed), ]] && exit 1
  exit 77 # what ctest takes for a skip
done
scratch=$(mktemp -d)
server=
trap '[[ -z $server ]] || { kill "$server"; wait "$server"; } 2>/dev/null; rm -rf "$scratch"' EXIT

"$here/../lab/run_in_lab.sh" --timeout 500 --out "$scratch/out" -- "$1"
status=$?
[[ -z ${VMFLOW_KEEP-} ]] || cp -r "$scratch/out/tsdb" "$VMFLOW_KEEP"
((status == 0)) || exit "$status"
# Only asks; what was stored is all there is.
printf 'global: {}\n' >"$scratch/prometheus.yml"
prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/out/tsdb" --web.listen-address=127.0.0.1:0 >"$scratch/server" 2>&1 &
server=$!
for ((i = 0; i < 300; i++)); do
  grep -qs 'ready to receive web requests' "$scratch/server" && break
  sleep 0.2
done
url=http://$(sed -n 's/.*msg="Listening on" address=\([0-9.:]*\).*/\1/p' "$scratch/server")
"$here/short_rules.sh" >"$scratch/rules.yml"
node "$here/grafana/ask_dashboards.mjs" "$url" "$scratch/rules.yml" "$here"/../../exporters/grafana/dashboards/*.json
