# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced in a lab with --icount, where virtual time counts instructions, 8 ns each: what one of something takes, and
# vmflowd beside it. Wants $ground_truth and, for the agent, $vmflowd.
: "${ground_truth:?}" "${vmflowd:?}"

# A tool that starts what it watches (perf kvm stat record) stands here; else empty.
wrap=()

# Of all vCPU threads of one guest, divided by what it was to do. Its start is in it, the same with every tool.
per_guest() { # per_guest COUNT PROGRAM [FLAG...]
  local count=$1
  shift
  # Virtual time runs on while a tool computes: the guest's own time limit is not what is measured.
  "${wrap[@]}" "$ground_truth" "$@" --count "$count" --max-seconds 4000 |
    jq "[.vms[0].vcpus[].thread_cpu_ns] | add / 8 / $count | round"
}
cpuid() { per_guest 2003 cpuid; }                       # from exit to exit
hlt() { per_guest 201 hlt --period-us 20000; }          # exit, sleep, wake-up by its own timer, entry
pio() { per_guest 1009 pio --mode burn --us 0; }        # to the VMM and back
ipi() { per_guest 199 ipi; }                            # two vCPUs that wake each other from HLT: both ways
pipe() { # a round trip between two tasks that are no vCPUs: two switches, two wake-ups
  perf bench -f simple sched pipe -l 20000 | jq -n 'input * 1e9 / 8 / 20000 | round'
}

three_runs() { # three_runs WHAT: three numbers, one a line
  "$1" >/dev/null # the first one pays for cold code
  for _ in 1 2 3; do "$1"; done
}

agent=''
start_agent() { # start_agent [FLAG...]: attached, and then standing still, since its looks once a second cost too
  "$vmflowd" --log.level error --web.listen-address 127.0.0.1:9752 --trace.dir /run/snapshots --trace.min-free-mib 0 \
    --trace.ring-mib-per-cpu 4 --trigger.rules none --no-trace.lttng --libvirt.uri off "$@" &
  agent=$!
  until curl -sf -o /dev/null http://127.0.0.1:9752/-/ready; do
    kill -0 "$agent" || return 1
    sleep 0.5
  done
  sleep 2 # for its first second it compares exit codes
  kill -STOP "$agent"
}
# Beside an agent whose budget cannot be kept: until it has given up so much that LEVEL is left. False: it does not.
sink_to() { # sink_to LEVEL
  local left tries
  kill -CONT "$agent"
  for ((tries = 0; tries < 40; tries++)); do
    left=$(curl -sf http://127.0.0.1:9752/metrics | awk '$1 == "vmflow_detail_level" { print $2 }')
    ((left > $1)) || break
    # At the last step before it may be that causes of halts have no part worth giving up in IPIs.
    if ((tries < 20)); then ipi; else hlt; fi >/dev/null
  done
  kill -STOP "$agent"
  ((left == $1))
}
stop_agent() {
  kill -CONT "$agent"
  kill "$agent"
  wait "$agent"
}
