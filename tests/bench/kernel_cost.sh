#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kernel_cost.sh BUILD: what vmflow's programs cost a host on this machine's own kernel, beside bpftrace's runqlat and
# empty programs, while tasks that are no vCPUs switch all the time. Prints one row of JSON for each figure (tables.jq makes
# tables of them); says on stderr what it does. Other work on this machine disturbs it little: what is compared takes turns,
# and CPU time is given beside wall time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
attach=$1/tests/bench/attach_programs
PATH=$PATH:/usr/sbin
rounds=${VMFLOW_BENCH_ROUNDS:-5} pairs=${VMFLOW_BENCH_PAIRS:-15} loops=100000
# shellcheck source-path=SCRIPTDIR source=tool.sh
. "$here/tool.sh"

say() { printf 'bench kernel: %s\n' "$*" >&2; }
missing() { # missing WITH WHY
  say "$1 is left out: $2"
  jq -cn --arg with "$1" --arg why "$2" '{part: "kernel", with: $with, missing: $why}'
}
((EUID == 0)) || { missing 'everything' 'loading BPF programs needs root'; exit; }

scratch=$(mktemp -d)
statistics=$(sysctl -n kernel.bpf_stats_enabled)
# shellcheck disable=SC2317 # the trap calls it
finish() {
  [[ -z $tool ]] || kill "$tool" 2>/dev/null || true
  sysctl -q "kernel.bpf_stats_enabled=$statistics"
  rm -rf "$scratch" "$tool_errors"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# bpftrace wants tracefs, which not every machine has mounted: it gets a mount of its own. It has the number that the
# shell knows, since each of these becomes the next one.
# shellcheck disable=SC2016 # sh expands it
in_tracefs=(unshare --mount sh -c 'mountpoint -q /sys/kernel/tracing || mount -t tracefs nodev /sys/kernel/tracing; exec "$@"' sh)
"$here/runqlat.sh" >"$scratch/runqlat.bt" 2>/dev/null || true

begin() { # begin WITH: fails with its reason
  case $1 in
    empty) begin_tool ready "$attach" empty_sched ;;
    vmflow) begin_tool ready "$attach" vmflow ;;
    runqlat) begin_tool 'Tracing*' "${in_tracefs[@]}" bpftrace "$scratch/runqlat.bt" ;;
  esac || { say "$1 did not begin: $(why_no_tool)"; return 1; }
}
end() { # end WITH
  if [[ $1 == runqlat ]]; then end_tool TERM; else end_tool; fi
  sleep 0.3 # its programs are freed a grace period later
}

# The two tasks of a pipe share a CPU: each hand-over is a switch there.
pipe() { taskset -c 0 perf bench -f simple sched pipe -l "$loops"; }
messaging() { perf bench -f simple sched messaging -g 5 -l 200; }

programs() { # of the tool that runs: a line of JSON, what the kernel has counted of each
  local ids
  ids=$(sed -n 's/^prog_id:\s*//p' /proc/"$tool"/fdinfo/* | sort -nu | paste -sd,)
  bpftool -j prog show | jq -c "[.[] | select(.id | IN($ids)) | {id, name, ns: (.run_time_ns // 0), runs: (.run_cnt // 0)}]"
}
per_run() { # per_run WITH LOAD: kernel-wide statistics cost every program, so they are on for the load alone
  local before after
  sysctl -q kernel.bpf_stats_enabled=1
  before=$(programs)
  "$2" >/dev/null
  after=$(programs)
  sysctl -q "kernel.bpf_stats_enabled=$statistics"
  jq -cn --arg with "$1" --arg load "$2" --argjson before "$before" --argjson after "$after" \
    --argjson round "$round" '$after[] | . as $p | ($before[] | select(.id == $p.id)) as $b
     | {$round, with: $with, load: $load, program: $p.name, ns: ($p.ns - $b.ns), runs: ($p.runs - $b.runs)} | select(.runs > 0)'
}

# Wall seconds, and CPU seconds of all of the load: other work on this machine is in the former.
timed_pipe() {
  local TIMEFORMAT='%U %S' wall
  { time wall=$(pipe); } 2>"$scratch/cpu"
  awk -v wall="$wall" '{ print wall, $1 + $2 }' "$scratch/cpu"
}

tools=()
for with in empty vmflow runqlat; do
  if begin "$with"; then
    tools+=("$with")
    end "$with"
  else
    missing "$with" "$(why_no_tool)"
  fi
done

for ((round = 1; round <= rounds; round++)); do
  say "nanoseconds per program run, round $round of $rounds: ${tools[*]}"
  for with in "${tools[@]}"; do
    begin "$with"
    for load in pipe messaging; do per_run "$with" "$load"; done
    end "$with"
  done
done >"$scratch/runs"
jq -cs '
  (group_by([.load, .with, .program])[]
   | {part: "kernel", what: "program", load: .[0].load, with: .[0].with, program: .[0].program, unit: "ns",
      calls: (map(.runs) | add / length | round), runs: map(.ns / .runs)}),
  # A tool has several programs: all that it takes for one sched_switch, of which each has one program.
  (group_by([.load, .with])[]
   | {part: "kernel", what: "tool", load: .[0].load, with: .[0].with, unit: "ns",
      runs: (group_by(.round) | map((map(.ns) | add) / (map(select(.program | test("sched_switch")) | .runs) | add)))})' "$scratch/runs"

# Side by side: nothing, and nothing once more (A/A), empty programs, vmflow, runqlat; each round begins where the last one ended.
timed() { # timed WITH: a row of the round
  [[ $1 == nothing* ]] || begin "$1"
  read -r wall cpu <<<"$(timed_pipe)"
  [[ $1 == nothing* ]] || end "$1"
  jq -cn --arg with "$1" --argjson wall "$wall" --argjson cpu "$cpu" --argjson round "$round" '{$round, $with, $wall, $cpu}'
}
order=(nothing "${tools[@]}" nothing_again)
pipe >/dev/null
for ((round = 1; round <= pairs; round++)); do
  say "perf bench sched pipe, pair $round of $pairs"
  for with in "${order[@]}"; do timed "$with"; done
  mapfile -t order < <(printf '%s\n' "${order[@]}" | tac)
done >"$scratch/pairs"
jq -cs '
  group_by(.round) | map(map({key: .with, value: .}) | from_entries)
  | (.[0] | keys_unsorted - ["nothing"])[] as $with | ("wall", "cpu") as $clock
  | {part: "kernel", what: "pipe", with: $with, clock: $clock, unit: "ratio",
     runs: map(.[$with][$clock] / .nothing[$clock])}' "$scratch/pairs"
