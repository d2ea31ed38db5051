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
  [[ ,${VMFLOW_REQUIRE-}, == *,lab,* ]] && exit 1
  exit 77 # what ctest takes for a skip
done
# shellcheck source-path=SCRIPTDIR source=stored_prometheus.sh
. "$here/stored_prometheus.sh"
scratch=$(mktemp -d)
server=
trap '[[ -z $server ]] || { kill "$server"; wait "$server"; } 2>/dev/null; rm -rf "$scratch"' EXIT

"$here/../lab/run_in_lab.sh" --timeout 500 --out "$scratch/out" -- "$1"
status=$?
[[ -z ${VMFLOW_KEEP-} ]] || cp -r "$scratch/out/tsdb" "$VMFLOW_KEEP"
((status == 0)) || exit "$status"
serve_stored "$scratch/out/tsdb" "$scratch"
"$here/short_rules.sh" >"$scratch/rules.yml"
node "$here/grafana/ask_dashboards.mjs" "$url" "$scratch/rules.yml" "$here"/../../exporters/grafana/dashboards/*.json
