#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# guests.sh PORT: vmflowd and the demo's VMs, until the file $LAB_OUT/stop appears. The Linux guest's kernel and initrd
# are in $LAB_OUT.
set -euo pipefail
port=$1
build=build/release
children=()
trap 'kill "${children[@]}" 2>/dev/null || true; wait 2>/dev/null || true' EXIT

# Dealt out so that each VM has one trouble of its own, on two CPUs or more. The agent keeps to the first.
cpu() { printf '%s\n' $(($1 % $(nproc))); }
start() { "$@" & children+=($!); }
vm() { # vm NAME CPU PROGRAM...
  local name=$1 cpu=$2
  shift 2
  start "$build/tests/support/ground_truth/ground_truth" "$@" --pin "$cpu" --max-seconds 1000000 \
    -name "guest=$name" -uuid "$(cat /proc/sys/kernel/random/uuid)" >/dev/null
}

start taskset -c 0 "$build/agent/vmflowd" --web.listen-address "127.0.0.1:$port"
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.2; done
# Without paravirtual EOI, with which a guest on an emulated CPU sooner or later gets no interrupts any more.
linux() {
  rm -f "$LAB_OUT/console"
  start taskset -c "$(cpu 0)" qemu-system-x86_64 -accel kvm -cpu host,-kvm-pv-eoi -m 128 -nodefaults -display none -monitor none -no-reboot \
    -name guest=web-linux -uuid "$(cat /proc/sys/kernel/random/uuid)" -serial "file:$LAB_OUT/console" \
    -kernel "$LAB_OUT/kernel" -initrd "$LAB_OUT/initrd" -append 'console=ttyS0 quiet mitigations=off tsc=reliable panic=-1'
}
comes_up() {
  for ((i = 0; i < 100; i++)); do
    grep -q 'linux guest is up' "$LAB_OUT/console" 2>/dev/null && return
    kill -0 "${children[-1]}" 2>/dev/null || return 1
    sleep 0.5
  done
  return 1
}
# The fight starts when Linux has booted: an emulated host is slow. It may also fail a guest: about one boot in ten
# dies of a fault that the emulated CPU made up.
for attempt in 1 2 3; do
  linux
  comes_up && break
  cp "$LAB_OUT/console" "$LAB_OUT/console-of-attempt-$attempt" 2>/dev/null || true
  printf 'the Linux guest did not come up at attempt %s\n' "$attempt" >&2
  kill "${children[-1]}" 2>/dev/null || true
  wait "${children[-1]}" 2>/dev/null || true
  unset 'children[-1]'
done
vm batch-1 "$(cpu 1)" spin --seconds 100000
vm batch-2 "$(cpu 1)" spin --seconds 100000
vm mail "$(cpu 0)" hlt --count 100000000 --period-us 100000
# It would take all of a CPU from those that need little.
renice -n 19 $$ >/dev/null
vm storm "$(cpu 2)" cpuid --count 100000000000
touch "$LAB_OUT/started"
until [[ -e $LAB_OUT/stop ]]; do sleep 0.5; done
