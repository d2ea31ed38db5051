#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What vmflow costs, beside other tools: tables as text and Markdown, figures as JSON.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bench=$checkout/tests/bench

usage() {
  cat <<'END'
usage: scripts/bench.sh [PART...] [--out DIR] [--build DIR]

Measures what vmflow costs beside other tools, all of them in the same run, and prints a table of each figure: medians,
spread, ratios, and the target beside what was reached. Parts (all of them, one after the other):

  exit    instructions that vmflow, ftrace, perf, bpftrace, bcc and LTTng add to a VM exit and entry, a halt, a userspace
          exit, an IPI and switches of other tasks, counted in the emulated lab: the same on every machine (5 to 10 minutes)
  kernel  nanoseconds of each BPF program on this machine's own kernel while tasks switch, and what perf bench sched pipe
          takes with and without vmflow, beside bpftrace's runqlat; as root (4 minutes)
  trace   events a second that vmflow analyze reads, beside babeltrace2, and the memory for it (5 minutes)

  --out DIR    where bench.md, bench.json and each part's rows come to (a new folder below build/, named at the end)
  --build DIR  takes the programs of this build; without it they are built first (build/release)
  --help       this text

kernel and trace go by the wall's clock and CPU time: let the machine do nothing else. Status: 0 measured, whether targets
are met or not; 1 a part failed, the others are there; 2 usage.

examples:
  scripts/bench.sh
  scripts/bench.sh exit --out results
  scripts/bench.sh kernel trace
END
}
say() { printf 'bench: %s\n' "$*" >&2; }
misuse() { say "$* (--help tells more)"; exit 2; }

parts=() out='' build=''
while (($#)); do
  case $1 in
    exit | kernel | trace) parts+=("$1") ;;
    --out | --build)
      (($# > 1)) || misuse "$1 needs a folder"
      [[ $1 == --out ]] && out=$2
      [[ $1 == --build ]] && build=$2
      shift
      ;;
    --help) usage; exit ;;
    *) misuse "unknown: $1" ;;
  esac
  shift
done
((${#parts[@]})) || parts=(exit kernel trace)

for program in jq cmake; do
  command -v "$program" >/dev/null || { say "$program is missing: run scripts/setup.sh"; exit 1; }
done
if [[ -z $build ]]; then
  build=$checkout/build/release
  say "building what is measured, and what measures"
  (cd "$checkout" && cmake --preset release >/dev/null && cmake --build --preset release --target bench_programs >&2)
fi
build=$(cd "$build" && pwd)
: "${out:=$checkout/build/bench-$(date +%Y%m%d-%H%M%S)}"
mkdir -p "$out"

status=0
rows=()
for part in "${parts[@]}"; do
  say "$part"
  rows+=("$out/$part.jsonl")
  "$bench/${part}_cost.sh" "$build" >"$out/$part.jsonl" || { say "$part failed; what it had measured is kept"; status=1; }
done
jq -s --arg at "$(date -u +%FT%TZ)" --arg commit "$(git -C "$checkout" describe --always --dirty 2>/dev/null || echo unknown)" \
  --arg kernel "$(uname -r | cut -d- -f1)" '{schema: "vmflow_bench", version: 1, at: $at, commit: $commit, kernel: $kernel, rows: .}' \
  "${rows[@]}" >"$out/bench.json"
jq -r -f "$bench/tables.jq" "$out/bench.json" | tee "$out/bench.md"
say "the tables are in $out/bench.md, the figures in $out/bench.json"
exit "$status"
