#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The dashboards in exporters/grafana: every query over METRICS.md and through promtool, every panel by vmflow's own rules, and
# all of it against Grafana's types.
# usage: dashboards_test.sh [CACHE]; Grafana's types are fetched into CACHE, and stay there for the next time.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

skip() { # what cannot be checked here; what could be has been, and counts
  printf 'skipped: %s\n' "$*"
  [[ $failed == 0 && ,${VMFLOW_REQUIRE-}, != *,unit,* ]] && exit 77 # what ctest takes for a skip
  exit 1
}

for program in node npm promtool; do
  command -v "$program" >/dev/null || skip "$program is missing (scripts/setup.sh installs it)"
done
dashboards=("$tree"/exporters/grafana/dashboards/*.json)
((${#dashboards[@]} == 3)) || { printf 'FAIL: %d dashboards, expected 3\n' "${#dashboards[@]}"; failed=1; }

node "$here/grafana/check_dashboards.mjs" "$tree" "${dashboards[@]}" || failed=1

# What compose.yml mounts of its folder is there, and the dashboards are where Grafana is told to look.
grafana=$tree/exporters/grafana
while read -r source target; do
  [[ -e $grafana/$source ]] || { printf 'FAIL: compose.yml mounts %s\n' "$source"; failed=1; }
  [[ $source != ./dashboards ]] || grep -q "^ *path: $target\$" "$grafana/provisioning/dashboards/vmflow.yml" ||
    { printf 'FAIL: the dashboards are not in %s\n' "$target"; failed=1; }
done < <(sed -n 's/^ *- \(\.\/[^:]*\):\([^:]*\):ro.*/\1 \2/p' "$grafana/compose.yml")

cache=${1:-$scratch}/grafana-types
mkdir -p "$cache"
cp "$here"/grafana/{package.json,package-lock.json,.npmrc,dashboard_types.ts} "$cache"
if ! cmp -s "$cache/package-lock.json" "$cache/node_modules/fetched-for.json"; then
  (cd "$cache" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error) >"$scratch/npm" 2>&1 ||
    skip "npm cannot fetch Grafana's types: $(head -n 3 "$scratch/npm")"
  cp "$cache/package-lock.json" "$cache/node_modules/fetched-for.json"
fi
node "$here/grafana/check_types.mjs" "$cache" "${dashboards[@]}" || failed=1
exit "$failed"
