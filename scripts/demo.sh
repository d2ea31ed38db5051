#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Shows vmflow at work: real VMs with different troubles, a real Prometheus, and a table of what it knows.
set -euo pipefail

usage() {
  cat <<'END'
usage: scripts/demo.sh [--host] [--out DIR] [--seconds N]

Installs what is needed, builds, starts VMs with different troubles and vmflowd in the emulated KVM host of
scripts/lab.sh, lets a Prometheus server on this machine scrape it, and prints what Prometheus then answers:
where each VM's time goes, what it exits for, and what hurts it.

  --host        without the lab: the VMs and vmflowd run on this machine, which needs VMX or SVM and root
  --out DIR     where the scraped page and Prometheus' answers come to (a new directory, named at the end)
  --seconds N   how long Prometheus watches (30)
  --help        this text

examples:
  scripts/demo.sh
  scripts/demo.sh --host --seconds 60
END
}

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
misuse() { printf 'demo: %s (see --help)\n' "$*" >&2; exit 2; }

cd "$(dirname "${BASH_SOURCE[0]}")/.."
host='' out='' seconds=30
while (($#)); do
  case $1 in
    --host) host=1 ;;
    --out) out=${2-}; [[ -n $out ]] || misuse "--out needs a directory"; shift ;;
    --seconds) seconds=${2-}; [[ $seconds =~ ^[1-9][0-9]{0,3}$ ]] || misuse "--seconds needs a positive number"; shift ;;
    --help | -h) usage; exit 0 ;;
    *) misuse "unknown flag $1" ;;
  esac
  shift
done

began=$SECONDS
say() { printf 'demo %3d s: %s\n' $((SECONDS - began)) "$*"; }

if [[ -n $host ]]; then
  ((EUID == 0)) || fail "--host needs root: vmflowd loads BPF programs"
  [[ -e /dev/kvm && (-d /sys/module/kvm_amd || -d /sys/module/kvm_intel) ]] ||
    fail "--host needs /dev/kvm with kvm_amd or kvm_intel loaded; without --host the demo brings its own KVM host"
fi
[[ -n $out ]] || out=$(mktemp -d "${TMPDIR:-/var/tmp}/vmflow-demo.XXXXXX")
mkdir -p "$out/control"
out=$(cd "$out" && pwd)

say "installing what is missing (a minute or two the first time)"
scripts/setup.sh >"$out/setup.log" 2>&1 || fail "scripts/setup.sh failed: $(tail -n 1 "$out/setup.log")"
say "building (three minutes the first time)"
{ cmake --preset release && cmake --build --preset release --target vmflowd ground_truth; } >"$out/build.log" 2>&1 ||
  fail "the build failed; its log is $out/build.log"
say "preparing the Linux guest"
image=$(scripts/lab/image.sh 2>>"$out/build.log")
# In the folder that the lab shares, since it may not see the others.
scripts/demo/linux_guest.sh "$out/control/initrd"
cp "$image/vmlinux" "$out/control/kernel"

free_port() { # a port of loopback that nobody answers on
  local port
  while :; do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  printf '%s\n' "$port"
}
agent_port=$(free_port) prometheus_port=$(free_port)

children=()
# shellcheck disable=SC2317 # called by a trap
finish() {
  local child console
  touch "$out/control/stop"
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  for console in "$out"/control/console*; do [[ ! -e $console ]] || mv "$console" "$out/linux-${console##*/}.log"; done
  rm -rf "$out/control" "$out/prometheus"
}
trap finish EXIT
trap 'exit 130' INT TERM

guests=(scripts/demo/guests.sh "$agent_port")
if [[ -n $host ]]; then
  say "starting five VMs and vmflowd on this machine"
  LAB_OUT=$out/control setsid --wait "${guests[@]}" >"$out/guests.log" 2>&1 &
else
  say "booting the KVM host, starting five VMs and vmflowd in it"
  scripts/lab.sh --publish "$agent_port" --timeout $((seconds + 300)) --out "$out/control" -- "${guests[@]}" \
    >"$out/guests.log" 2>&1 &
fi
children+=($!)

wait_for() { # wait_for WHAT SECONDS COMMAND...
  local what=$1 until=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "${children[0]}" 2>/dev/null || fail "the VMs ended early; their log is $out/guests.log: $(tail -n 1 "$out/guests.log")"
    ((SECONDS < until)) || fail "$what did not come; the log is $out/guests.log"
    sleep 0.5
  done
}
wait_for "vmflowd" 90 curl -sf --max-time 5 "http://127.0.0.1:$agent_port/-/ready"
wait_for "the Linux guest" 180 grep -q 'linux guest is up' "$out/control/console"
wait_for "the VMs" 60 test -e "$out/control/started"

cat >"$out/prometheus.yml" <<END
global: {scrape_interval: 2s, scrape_timeout: 2s}
scrape_configs:
  - job_name: vmflow
    static_configs: [{targets: ["127.0.0.1:$agent_port"]}]
END
prometheus --config.file "$out/prometheus.yml" --storage.tsdb.path "$out/prometheus" --log.level=warn \
  --web.listen-address "127.0.0.1:$prometheus_port" >"$out/prometheus.log" 2>&1 &
children+=($!)
for ((left = seconds; left > 0; left -= 5)); do
  say "Prometheus watches: $left s to go"
  sleep $((left < 5 ? left : 5))
done

query() { # query FILE PROMQL: the answer comes to FILE.json
  curl -sfG "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$2" >"$out/$1.json" ||
    fail "Prometheus does not answer; its log is $out/prometheus.log"
}
curl -sf --max-time 5 "http://127.0.0.1:$agent_port/metrics" >"$out/metrics.txt" || fail "vmflowd does not answer"
named='* on(vm) group_left(name) vmflow_vm_info'
window=$((seconds - 4 > 6 ? seconds - 4 : 6))s
query shares "(rate(vmflow_vm_vcpu_seconds_total[$window]) / ignoring(state) group_left
  sum without(state) (rate(vmflow_vm_vcpu_seconds_total[$window]))) $named"
query exits "topk by(vm) (1, rate(vmflow_vm_exits_total[$window])) $named"
query exit_shares "(rate(vmflow_vm_exit_seconds_total[$window]) / ignoring(reason) group_left
  sum without(state) (rate(vmflow_vm_vcpu_seconds_total[$window]))) $named"
query waits "topk by(vm) (1, rate(vmflow_vm_wait_seconds_total[$window]))"
curl -sf --max-time 5 "http://127.0.0.1:$agent_port/api/v1/culprits" >"$out/culprits.json" || fail "vmflowd does not answer"
query unaccounted "sum(vmflow_vm_vcpu_unaccounted_seconds_total)"

say "this is what Prometheus knows"
printf '\nWhere the time of every VM went in the last %s, in percent of its vCPUs'\'' time:\n\n' "$window"
jq -n -r -f scripts/demo/table.jq --slurpfile shares "$out/shares.json" --slurpfile exits "$out/exits.json" \
  --slurpfile exit_shares "$out/exit_shares.json" --slurpfile waits "$out/waits.json" --slurpfile culprits "$out/culprits.json"
printf '\n'
say "the scraped page and Prometheus' answers are in $out"
