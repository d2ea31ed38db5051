#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs one command in the lab: an emulated AMD host with a stock Debian kernel, real KVM and this machine's own files.
set -euo pipefail

usage() {
  cat <<'END'
usage: scripts/lab.sh [FLAGS] -- COMMAND [ARGUMENT...]

Boots an emulated KVM host (QEMU's TCG with AMD-V and nested paging, a stock Debian 6.1 kernel), runs COMMAND in it as
root in the current directory, and ends it. The lab sees all files of this machine at their own paths; what it changes
stays in its memory. /tmp and /run are empty, except for the current directory and this checkout if they are there.
Only COMMAND's stdout and stderr are printed, and its status is returned. Its stdin is empty.

  --cpus N        emulated CPUs (2)
  --memory MIB    memory (6144)
  --timeout S     seconds that COMMAND may take (600)
  --out DIR       where the files come to that COMMAND writes to $LAB_OUT (a new directory, named on stderr if used)
  --icount        virtual time counts instructions, 8 ns each: repeatable costs; one CPU
  --publish PORT  forwards 127.0.0.1:PORT to the same port in the lab, where a server may listen on 127.0.0.1 or
                  0.0.0.0; a connection is taken, and then closed, while nothing listens there; may be repeated
  --wire listen:PORT, --wire connect:PORT
                  a second network card, eth1, on a wire to the one other lab that has the other end of 127.0.0.1:PORT;
                  the one that listens starts first
  --tickless      no timer tick on the last CPU while one thread has it to itself
  --no-kvm        does not load kvm_amd; COMMAND can do it with modprobe
  --lttng         adds the LTTng kernel modules, which are built once (about a minute)
  --boot ROOT     boots ROOT, the folder of a Debian that has systemd, which is then process 1: COMMAND is a service in
                  it and starts in /, this machine's files are below /machine; what it changes stays in memory
  --cpu-report    says on stderr, if COMMAND's status is not 0, how long the lab waited for a CPU of this machine
  --help          this text

COMMAND gets PATH, HOME, LANG, TERM and every variable whose name begins with VMFLOW_, with VMFLOW_LAB=1 and LAB_OUT.
Downloads and builds are kept in ${VMFLOW_CACHE:-${XDG_CACHE_HOME:-~/.cache}/vmflow}.
Status: that of COMMAND; 124 timeout; 125 the lab failed (the end of its console is shown); 127 no such COMMAND; 2 usage.

examples:
  scripts/lab.sh -- uname -r
  scripts/lab.sh --out results -- sh -c 'dmesg > "$LAB_OUT/dmesg"'
  scripts/lab.sh --icount -- perf stat -e 'kvm:*' build/release/tests/support/ground_truth/ground_truth cpuid --count 3001
  scripts/lab.sh --publish 9752 -- build/release/agent/vmflowd
END
}

cpus='' memory=6144 timeout=600 out='' icount='' tickless='' kvm=1 lttng='' cpu_report='' wire='' boot='' ports=()
boot_seconds=120
lab=$(cd "$(dirname "${BASH_SOURCE[0]}")/lab" && pwd)
checkout=${lab%/scripts/lab}
# shellcheck source-path=SCRIPTDIR source=lab/deb.sh
. "$lab/deb.sh"

misuse() { say "$* (see --help)"; exit 2; }

number() {
  [[ ${2-} =~ ^[1-9][0-9]{0,8}$ ]] || misuse "$1 needs a positive number"
  printf '%s\n' "$2"
}

while (($#)); do
  case $1 in
    --cpus) cpus=$(number "$@"); shift ;;
    --memory) memory=$(number "$@"); shift ;;
    --timeout) timeout=$(number "$@"); shift ;;
    --publish) ports+=("$(number "$@")"); shift ;;
    --out) out=${2-}; [[ -n $out ]] || misuse "--out needs a directory"; shift ;;
    --wire) wire=${2-}; [[ $wire =~ ^(listen|connect):[1-9][0-9]{0,4}$ ]] || misuse "--wire needs listen:PORT or connect:PORT"; shift ;;
    --boot) boot=$(cd "${2-}" 2>/dev/null && pwd) || misuse "--boot needs a directory"; shift ;;
    --icount) icount=1 ;;
    --tickless) tickless=1 ;;
    --no-kvm) kvm='' ;;
    --lttng) lttng=1 ;;
    --cpu-report) cpu_report=1 ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    -*) misuse "unknown flag $1" ;;
    *) misuse "-- is needed before the command $1" ;;
  esac
  shift
done
(($#)) || misuse "no command: -- COMMAND is needed"
[[ -z $icount || ${cpus:-1} == 1 ]] || misuse "--icount works with one CPU only, not with --cpus $cpus"
[[ -n $cpus ]] || cpus=$((icount ? 1 : 2))
[[ -z $tickless || $cpus != 1 ]] || misuse "--tickless needs two CPUs or more: the first one always ticks"

need qemu-system-x86_64 busybox setpriv
image=$("$lab/image.sh")
modules=$(readlink -f "$image/kernel")/lib/modules
[[ -z $lttng ]] || modules=$("$lab/lttng.sh" "$image")/lib/modules

run=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")
control=$run/control
qemu='' # its process as long as it runs: later the number may be another's
fresh_out=''

end_qemu() {
  [[ -z $qemu ]] || { kill -KILL "$qemu" && wait "$qemu"; } 2>/dev/null || true
  qemu=''
}

# shellcheck disable=SC2317 # called by a trap
finish() {
  end_qemu
  rm -rf "$run"
  [[ -z $fresh_out ]] || rmdir "$out" 2>/dev/null || true
}
trap finish EXIT
trap 'say "interrupted"; exit 130' INT
trap 'say "terminated"; exit 143' TERM HUP

if [[ -z $out ]]; then
  out=$(mktemp -d "${TMPDIR:-/tmp}/lab-out.XXXXXX")
  fresh_out=1
fi
mkdir -p "$control/out" "$out"
out=$(cd "$out" && pwd)

printf '%s\n' "$modules" >"$control/modules"
pwd >"$control/cwd"
# These stay visible when they are below /tmp or /run.
printf '%s\n' "$checkout" "$PWD" ${boot:+"$boot"} >"$control/keep"
[[ -z $boot ]] || printf '%s\n' "$boot" >"$control/boot"
printf '%s\0' "$@" >"$control/argv"
for name in PATH HOME LANG TERM "${!VMFLOW_@}"; do
  [[ ! -v $name ]] || printf '%s=%s\0' "$name" "${!name}"
done >"$control/environment"
printf '%s\0' VMFLOW_LAB=1 LAB_OUT=/run/lab/out >>"$control/environment"
[[ -n $kvm ]] || : >"$control/no-kvm"
cp "$lab/start" "$control/start"
: >"$control/stdout"
: >"$control/stderr"
: >"$run/console"

share() { # share TAG PATH EXTRA: a comma in a path is doubled for QEMU
  printf 'local,id=%s,mount_tag=%s,security_model=none,multidevs=remap,path=%s%s' "$1" "$1" "${2//,/,,}" "${3-}"
}
network=user,id=net,restrict=on,ipv6=off
for port in "${ports[@]}"; do
  # To 127.0.0.1 in the lab, not to its card's address, so that servers need not listen on all addresses.
  network+=,hostfwd=tcp:127.0.0.1:$port-127.0.0.1:$port
done
# thread=multi hangs: a CPU goes on executing a stale breakpoint while another one patches the kernel's text.
machine=(-accel 'tcg,thread=single' -cpu max -machine q35 -smp "$cpus" -m "$memory")
[[ -z $icount ]] || machine+=(-icount 'shift=3,sleep=off')
second_card=() # after the first one, which is eth0
if [[ -n $wire ]]; then
  [[ $wire == listen:* ]] && end=1 || end=2
  second_card=(-netdev "socket,id=wire,${wire%:*}=127.0.0.1:${wire#*:}"
    -device "virtio-net-pci,netdev=wire,mac=52:54:00:00:01:0$end,romfile=")
fi
append="console=ttyS0 panic=-1 oops=panic quiet mitigations=off tsc=reliable"
[[ -z $tickless ]] || append+=" nohz_full=$((cpus - 1))"

# Dies with this shell, whatever ends it.
setpriv --pdeathsig KILL qemu-system-x86_64 "${machine[@]}" \
  -nodefaults -no-user-config -display none -monitor none -no-reboot -serial "file:$run/console" \
  -kernel "$image/vmlinux" -initrd "$image/initrd" -append "$append" \
  -virtfs "$(share root / ,readonly=on)" -virtfs "$(share control "$control")" -virtfs "$(share out "$out")" \
  -netdev "$network" -device virtio-net-pci,netdev=net,romfile= "${second_card[@]}" \
  </dev/null >"$run/qemu" 2>&1 &
qemu=$!
# What has been written is printed at once; when QEMU ends, what is left.
tail -q -c +1 -s 0.1 -f --pid="$qemu" "$control/stdout" &
printers=($!)
tail -q -c +1 -s 0.1 -f --pid="$qemu" "$control/stderr" >&2 &
printers+=($!)

report_out() {
  [[ -z $fresh_out || -z $(ls -A "$out") ]] || say "files of the command are in $out"
}

failed() { # failed STATUS WORD...: one line, then what the lab said last
  local status=$1 reason; shift
  end_qemu
  wait "${printers[@]}" || true
  report_out
  # The last lines of a panic are its stack; the reason is above them.
  reason=$(tr -d '\r\000' <"$run/console" | grep -m 1 -o -E 'Kernel panic - .*|lab init: .*') || reason=''
  say "$*${reason:+ ($reason)}; the end of its console:"
  tail -q -n 30 "$run/qemu" "$run/console" | tr -d '\r\000' >&2
  exit "$status"
}

running() { kill -0 "$qemu" 2>/dev/null; }

# How long the lab's threads have run and have waited for a CPU, in nanoseconds, and what of this machine's time a
# hypervisor gave to others, in hundredths of a second.
ran=0 waited=0 stolen=0
look_at_cpu() {
  local file run wait rest total_run=0 total_wait=0
  for file in /proc/"$qemu"/task/*/schedstat; do
    { read -r run wait rest <"$file"; } 2>/dev/null || continue
    ((total_run += run, total_wait += wait)) || true
  done
  ((total_run < ran)) || { ran=$total_run waited=$total_wait; }
  read -r rest rest rest rest rest rest rest rest stolen rest </proc/stat
}
exec {clock}<> <(:) # read -t on a pipe that stays empty is a sleep without a process
pause() { read -r -t 0.1 -u "$clock" || true; }

SECONDS=0
while running && [[ ! -e $control/started ]]; do
  ((SECONDS < boot_seconds)) || failed 125 "the lab did not boot within $boot_seconds s"
  pause
done
[[ -e $control/started ]] || { qemu=''; failed 125 "the lab did not boot"; }
SECONDS=0
[[ -z $cpu_report ]] || look_at_cpu
stolen_before=$stolen seen=0
while running; do
  ((SECONDS < timeout)) || failed 124 "the command took more than $timeout s and was ended with the lab"
  pause
  [[ -z $cpu_report || $SECONDS == "$seen" ]] || { seen=$SECONDS; look_at_cpu; }
done
qemu=''
[[ -s $control/status ]] || failed 125 "the lab died"
wait "${printers[@]}" || true
report_out
status=$(<"$control/status")
# What is measured by the wall's clock was not the lab's alone, then.
[[ -z $cpu_report || $status == 0 ]] ||
  say "the lab ran $((ran / 1000000)) ms and waited $((waited / 1000000)) ms for a CPU of this machine, which missed" \
    "$(((stolen - stolen_before) * 1000 / $(getconf CLK_TCK))) ms of its own"
exit "$status"
