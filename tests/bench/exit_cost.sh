#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# exit_cost.sh BUILD: what vmflow and other tools add to an exit and entry, a halt, a userspace exit, an IPI and switches
# of other tasks, in instructions, all of them in one lab whose virtual time counts these. Prints one row of JSON for each
# (tables.jq makes tables of them); says on stderr what it does.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
if [[ -z ${VMFLOW_LAB-} ]]; then
  exec "$here/../../scripts/lab.sh" --icount --lttng --timeout 1500 -- "$here/exit_cost.sh" "$build"
fi
vmflowd=$build/agent/vmflowd
ground_truth=$build/tests/support/ground_truth/ground_truth
flight=$build/tests/bench/flight
attach=$build/tests/bench/attach_programs
# shellcheck source-path=SCRIPTDIR source=instructions.sh
. "$here/instructions.sh"
# shellcheck source-path=SCRIPTDIR source=tool.sh
. "$here/tool.sh"

say() { printf 'bench exit: %s\n' "$*" >&2; }

measure() { # measure WITH WHAT...
  local with=$1 what
  shift
  say "$with"
  for what; do
    three_runs "$what" | jq -cs --arg what "$what" --arg with "$with" \
      '{part: "exit", what: $what, with: $with, unit: "instructions", runs: .}'
  done
}
missing() { # missing WITH WHY
  say "$1 is left out: $2"
  jq -cn --arg with "$1" --arg why "$2" '{part: "exit", with: $with, missing: $why}'
}

watched_by() { # watched_by WITH PATTERN COMMAND...: all but the switches of others, which these tools do not see
  local with=$1
  shift
  if begin_tool "$@"; then
    measure "$with" cpuid hlt pio ipi
    end_tool TERM
  else
    missing "$with" "$(why_no_tool)"
  fi
}
started_by() { # started_by "WHAT..." WITH COMMAND...: by a tool that starts the guest, whose own words it keeps apart
  local whats with=$2
  read -r -a whats <<<"$1"
  shift 2
  command -v "$1" >/dev/null || { missing "$with" "$1 is not installed"; return; }
  wrap=(quietly "$@")
  if cpuid >/dev/null && has_recorded; then
    measure "$with" "${whats[@]}"
  else
    missing "$with" "it recorded nothing"
  fi
  wrap=()
}
recording=/run/recording
quietly() { "$@" 2>/run/tool.err; }
has_recorded() { [[ $(stat -c %s "$recording" 2>/dev/null || echo 0) -gt 100000 ]]; }

floors() {
  local floor
  for floor in empty_kvm clock_kvm; do
    begin_tool ready "$attach" "$floor"
    measure "floor: two programs, $floor" cpuid
    end_tool
  done
  begin_tool ready "$attach" empty_sched_switch
  measure 'floor: an empty sched_switch' pipe
  end_tool
}

vmflow() { # vmflow WITH [FLAG...]
  local with=$1
  shift
  start_agent "$@"
  measure "$with" cpuid hlt pio ipi pipe
  stop_agent
}

given_up() { # given_up WITH LEVEL
  start_agent --trace.mode off --overhead.budget 0
  if sink_to "$2"; then
    measure "$1" cpuid hlt pio ipi pipe
  else
    missing "$1" "it did not come to that level"
  fi
  stop_agent
}

ftrace() {
  local events=/sys/kernel/tracing/events/kvm on
  mountpoint -q /sys/kernel/tracing || mount -t tracefs nodev /sys/kernel/tracing
  for on in 1 0; do
    echo "$on" | tee $events/kvm_exit/enable $events/kvm_entry/enable >/dev/null
    ((on == 0)) || measure 'ftrace kvm_exit+kvm_entry' cpuid hlt pio ipi
  done
}

bpftrace_tools() {
  command -v bpftrace >/dev/null || { missing bpftrace 'it is not installed'; return; }
  watched_by 'bpftrace, count by reason' ready bpftrace -e 'BEGIN { printf("ready\n"); }
    tracepoint:kvm:kvm_exit { @[args->exit_reason] = count(); }'
  watched_by 'bpftrace, histogram by reason' ready bpftrace -e 'BEGIN { printf("ready\n"); }
    tracepoint:kvm:kvm_exit { @at[tid] = nsecs; @reason[tid] = args->exit_reason; }
    tracepoint:kvm:kvm_entry /@at[tid]/ { @ns[@reason[tid]] = hist(nsecs - @at[tid]); delete(@at[tid]); }
    END { clear(@at); clear(@reason); }'
  "$here/runqlat.sh" >/run/runqlat.bt
  if begin_tool 'Tracing*' bpftrace /run/runqlat.bt; then
    measure 'bpftrace, runqlat' pipe
    end_tool TERM
  else
    missing 'bpftrace, runqlat' "$(why_no_tool)"
  fi
}

bcc_tools() { # Debian's python has its library; another one that comes first in PATH does not
  local kvmexit
  kvmexit=$(PATH=$PATH:/usr/sbin command -v kvmexit-bpfcc) || { missing 'bcc, kvmexit' 'it is not installed'; return; }
  watched_by 'bcc, kvmexit' 'Display*' /usr/bin/python3 -u "$kvmexit"
}

recorded_by_lttng() { # recorded_by_lttng WITH [EVENT...]
  local with=$1
  shift
  begin_tool records "$flight" "$@"
  measure "$with" cpuid hlt pio ipi pipe
  end_tool
}

measure nothing cpuid hlt pio ipi pipe
floors
vmflow 'vmflow, recorder off' --trace.mode off
given_up 'vmflow, level 3: without durations of single exits' 3
given_up 'vmflow, level 2: without devices, too' 2
given_up 'vmflow, level 1: without causes of halts, too' 1
vmflow 'vmflow, recorder on-trigger' --trace.mode on-trigger
vmflow 'vmflow, flight recorder' --trace.mode flight
vmflow 'vmflow, flight recorder with registers' --trace.mode flight --trace.registers
ftrace
started_by 'cpuid hlt pio ipi' 'perf kvm stat record' perf kvm --host stat record -o "$recording"
started_by 'cpuid hlt pio ipi' 'perf record, kvm:*' perf record -o "$recording" -e 'kvm:*'
# It keeps a CPU busy while a guest sleeps: the lab's only one, for minutes.
started_by 'cpuid pio' 'perf trace, kvm_exit+kvm_entry' perf trace -o "$recording" --no-syscalls -e kvm:kvm_exit,kvm:kvm_entry
bpftrace_tools
bcc_tools
lttng-sessiond --background
recorded_by_lttng 'LTTng, kvm_x86_exit+kvm_x86_entry, contexts' kvm_x86_entry kvm_x86_exit
recorded_by_lttng "LTTng, vmflow's events"
measure 'nothing, at the end' cpuid hlt pio ipi pipe
