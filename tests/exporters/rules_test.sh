#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The Prometheus rules, their promtool tests, the examples beside them and the runbooks: valid, in agreement with one another
# and with the catalog of metrics.
set -uo pipefail
shopt -s lastpipe # what a pipe ends in counts failures

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
missing=''
for program in promtool amtool; do
  command -v "$program" >/dev/null || missing+=" $program"
done
if [[ -n $missing ]]; then
  printf 'skipped: missing:%s (scripts/setup.sh installs it)\n' "$missing"
  [[ ,${VMFLOW_REQUIRE-}, == *,unit,* ]] && exit 1
  exit 77 # what ctest takes for a skip
fi

root=$(cd "$here/../.." && pwd)
alerts=$root/exporters/alerts
catalog=$root/exporters/METRICS.md
rules=("$alerts"/recording_rules.yml "$alerts"/alerts.yml)
tests=("$here"/rules/*.yml)
pages=("$alerts"/runbooks/*.md)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

ok() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); printf 'FAIL %s\n' "$*"; }
passes() { # passes WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$scratch/out" 2>&1; then ok; else fail "$what"; cat "$scratch/out"; fi
}
nothing() { # nothing WHAT: what comes from stdin, a line each, must not be there
  local lines
  lines=$(cat)
  if [[ -z $lines ]]; then ok; else fail "$1:"; printf '%s\n' "$lines" | sed 's/^/     /'; fi
}
only_in_first() { comm -23 <(sort -u "$1") <(sort -u "$2"); }
field() { sed -nE "s/^ *(- )?$1: *//p" "${@:2}"; }

passes "promtool check rules" promtool check rules "${rules[@]}"
passes "promtool check config" promtool check config "$alerts/prometheus.yml"
passes "amtool check-config" amtool check-config "$alerts/alertmanager.yml"
for file in "${tests[@]}"; do
  passes "promtool test rules ${file##*/}" promtool test rules "$file"
done

# A copy for the lab has the same rules, and none of them waits.
"$here/short_rules.sh" >"$scratch/short.yml"
passes "promtool check rules of the short ones" promtool check rules "$scratch/short.yml"
diff <(field 'alert|record' "${rules[@]}" | sort) <(field 'alert|record' "$scratch/short.yml" | sort) | nothing "rules that the short ones lack"
field for "$scratch/short.yml" | grep -vx 10s | nothing "short rules that wait"
grep -F '[5m]' "$scratch/short.yml" | nothing "short rules that look at five minutes"

# All names of the catalog, with those that a histogram has; its labels; and what is recorded here.
awk '/^### `/ { gsub(/`/, ""); name = $2; next }
     name { if ($1 == "histogram,") print name "_bucket\n" name "_sum\n" name "_count"; else print name; name = "" }' "$catalog" >"$scratch/metrics"
field record "${rules[0]}" >"$scratch/recorded"
used() { grep -ohE '[A-Za-z0-9_:]*vmflow_[A-Za-z0-9_:]*|\bprocess_[a-z_]+' "$@" | sed 's/:*$//' | sort -u; }
used "${rules[@]}" "$alerts"/{prometheus,alertmanager}.yml "${tests[@]}" "${pages[@]}" >"$scratch/used"
(($(wc -l <"$scratch/used") > 40)) || fail "only $(wc -l <"$scratch/used") names were found"
only_in_first "$scratch/used" <(cat "$scratch/metrics" "$scratch/recorded") | nothing "names that neither METRICS.md nor recording_rules.yml has"
used "${tests[@]}" >"$scratch/tested"
only_in_first "$scratch/recorded" "$scratch/tested" | nothing "recording rules without a test"

# Made-up series must look like real ones: the labels of the catalog, and values of closed sets that the golden page has.
awk '/^### `/ { gsub(/`/, ""); name = $2; next }
     name { sub(/\. .*/, ""); n = split($0, part, "`"); for (i = 2; i <= n; i += 2) print name, part[i]; print name, "job"; print name, "instance"; name = "" }' \
  "$catalog" | sort -u >"$scratch/catalog_labels"
sed -nE "s/.*series: '([^']+)'.*/\1/p" "${tests[@]}" | grep -v '^up{' >"$scratch/series"
(($(wc -l <"$scratch/series") > 100)) || fail "only $(wc -l <"$scratch/series") series were found"
each_label() { # of the series of a file: name label value
  sed -E 's/\} .*/}/; s/[{}]/,/g' "$1" | awk -F, '{ for (i = 2; i <= NF; i++) if ($i ~ /=/) { split($i, l, "="); print $1, l[1], l[2] } }' | sort -u
}
each_label "$scratch/series" | cut -d' ' -f1,2 | sort -u >"$scratch/series_labels"
cut -d' ' -f1 "$scratch/series_labels" | sort -u >"$scratch/series_names"
only_in_first "$scratch/series_labels" "$scratch/catalog_labels" | grep -v '_start_time_seconds instance\|_start_time_seconds job' |
  nothing "labels of tests that METRICS.md does not know"
only_in_first <(grep -wFf "$scratch/series_names" "$scratch/catalog_labels") "$scratch/series_labels" | nothing "labels that series of tests lack"
closed='(state|culprit|cause|kind|op|direction|reason|anomaly|source)'
only_in_first <(each_label "$scratch/series" | grep -E "^[^ ]+ $closed ") <(grep -v '^#' "$here/golden_page.txt" >"$scratch/golden"; each_label "$scratch/golden") |
  nothing "label values of tests that no page has"

# Every alert has its page, its test that fires it and sees it end, its row in the README, and the other way round.
awk '$2 == "alert:" { name = $3 } $1 == "severity:" { print name, $2 }' "${rules[1]}" | sort -u >"$scratch/severities"
cut -d' ' -f1 "$scratch/severities" | sort -u >"$scratch/alerts"
grep -vE '^Vmflow([A-Z][a-z]+)+$' "$scratch/alerts" | nothing "names that are not CamelCase after Vmflow"
printf '%s\n' "${pages[@]##*/}" | sed 's/\.md$//' | sort -u >"$scratch/pages"
only_in_first "$scratch/alerts" "$scratch/pages" | nothing "alerts without a page"
only_in_first "$scratch/pages" "$scratch/alerts" | nothing "pages without an alert"
awk '/- alert:/ { name = $3 } /runbook_url:/ && $2 != "exporters/alerts/runbooks/" name ".md" { print name, $2 }' "${rules[1]}" |
  nothing "runbook_url of another alert"
for key in expr for severity summary description runbook_url; do
  awk -v key="$key:" '/- alert:/ { if (name && !has) print name; name = $3; has = 0 } $1 == key { has = 1 } END { if (!has) print name }' "${rules[1]}" |
    nothing "alerts without $key"
done
awk '$1 == "alertname:" { name = $2 } /exp_labels: \{severity: / { sub(/.*severity: /, ""); sub(/,.*/, ""); print name, $0 }' "${tests[@]}" >"$scratch/fired"
only_in_first "$scratch/severities" "$scratch/fired" | nothing "alerts that no test fires"
awk '$1 == "alertname:" { name = $2 } /exp_labels:/ { fired[name] = 1 } /exp_alerts: \[\]/ && fired[name] { print name; fired[name] = 0 }' "${tests[@]}" >"$scratch/ended"
only_in_first "$scratch/alerts" "$scratch/ended" | nothing "alerts that no test sees end"
grep -ohE '\bVmflow[A-Za-z]+' "$alerts"/*.yml "${pages[@]}" "${tests[@]}" "$root/README.md" | sort -u >"$scratch/mentioned"
only_in_first "$scratch/mentioned" "$scratch/alerts" | nothing "alerts that are mentioned, but do not exist"
awk -F'[][|]' '/^\| \[Vmflow/ { print $3 }' "$root/README.md" | sort -u >"$scratch/readme"
only_in_first "$scratch/alerts" "$scratch/readme" | nothing "alerts that the README's table lacks"

for page in "${pages[@]}"; do
  name=$(basename "$page" .md)
  [[ $(head -n 1 "$page") == "# $name" ]] || fail "$name: the title is another"
  diff <(grep '^## ' "$page") <(printf '## %s\n' Meaning Impact Diagnosis Mitigation) | nothing "$name: sections"
  for what in '^    .*vmflow_' '^    curl .*/' 'vmflow analyze'; do
    grep -qE "$what" "$page" || fail "$name: nothing like $what"
  done
done

# The PromQL of the pages can be parsed: each line as a rule.
{
  printf 'groups:\n- name: pages\n  rules:\n'
  grep -hE '^    .*(vmflow_|up\{)' "${pages[@]}" | grep -vE '^    (curl|vmflow|cat|ps|virsh|iostat) ' | sed -E 's/ +#.*//; s/^ +//' |
    sort -u | awk '{ gsub(/\047/, "\047\047"); printf "  - {record: line_%d, expr: \047%s\047}\n", NR, $0 }'
} >"$scratch/pages.yml"
(($(grep -c record "$scratch/pages.yml") > 20)) || fail "the PromQL of the pages was not found"
passes "promtool check of the pages' PromQL" promtool check rules "$scratch/pages.yml"

# Who is told what.
route() { # route RECEIVERS LABEL...
  local got
  got=$(amtool config routes test --config.file="$alerts/alertmanager.yml" "${@:2}" 2>"$scratch/err")
  if [[ $got == "$1" ]]; then ok; else fail "route of ${*:2}: $got, expected $1"; fi
}
route snapshot,people alertname=VmflowReadyHigh vm=web-uuid instance=host1:9752 severity=critical
route people alertname=VmflowThrottled vm=web-uuid instance=host1:9752 severity=warning
route people alertname=VmflowAgentDown instance=host1:9752 severity=warning
grep -q "url: http://127.0.0.1:9752/api/v1/alertmanager$" "$alerts/alertmanager.yml" || fail "the webhook's URL is another"

printf '%d alerts, %d recording rules, %d names of metrics: %d passed, %d failed\n' "$(grep -c . "$scratch/severities")" \
  "$(grep -c . "$scratch/recorded")" "$(wc -l <"$scratch/used")" "$passed" "$failed"
((failed == 0))
