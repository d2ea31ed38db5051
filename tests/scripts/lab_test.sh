#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that scripts/lab.sh keeps what its help promises; a minute, as every group of checks boots the lab once.
set -uo pipefail

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../scripts" && pwd)/lab.sh
# Below /tmp, of which the lab sees the current directory alone.
work=$(mktemp -d "${TMPDIR:-/tmp}/lab test.XXXXXX")
background=''
trap '[[ -z $background ]] || kill "$background" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0

ok() { passed=$((passed + 1)); printf 'ok   %s\n' "$1"; }
fail() { failed=$((failed + 1)); printf 'FAIL %s\n     %s\n' "$1" "${2-}"; }
is() { if [[ $2 == "$3" ]]; then ok "$1"; else fail "$1" "expected $(printf %q "$3"), got $(printf %q "$2")"; fi; }
has() { if grep -q -e "$3" "$2"; then ok "$1"; else fail "$1" "no $3 in: $(head -c 400 "$2")"; fi; }

if ! command -v qemu-system-x86_64 >/dev/null; then
  printf 'skipped: qemu-system-x86_64 is missing (scripts/setup.sh installs it)\n'
  [[ ,${VMFLOW_REQUIRE-}, == *,lab,* ]] && exit 1
  exit 77
fi

# What needs no boot.
"$lab" --help >out 2>err
is "help: status" $? 0
has "help: shows examples" out '^examples:'
"$lab" --bogus -- true >out 2>err
is "unknown flag: status 2" $? 2
is "unknown flag: one line" "$(wc -l <err)" 1
"$lab" --icount --cpus 2 -- true >out 2>err
is "icount with two CPUs is refused" $? 2

"$lab" --tickless --cpus 1 -- true >out 2>err
is "tickless with one CPU is refused" $? 2

# A first run may download and build; after it every run must be silent and quick.
"$lab" -- true 2>/dev/null
started=$EPOCHREALTIME
"$lab" -- true >out 2>err
is "true: status 0" $? 0
took_ms=$(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
is "true: prints nothing" "$(cat out err)" ""
printf '     a warm run of true took %d ms\n' "$took_ms"

# One boot for most promises: the inner script is an argument, with all that quoting could break.
cat >inner <<'END'
printf '%s\0' "${@:2}" >"$LAB_OUT/arguments"
pwd >"$LAB_OUT/cwd"
sha256sum <"$1" >"$LAB_OUT/checkout"
cat /sys/module/kvm_amd/parameters/npt >"$LAB_OUT/npt"
test -c /dev/kvm && echo yes >"$LAB_OUT/kvm"
ls /sys/kernel/tracing/events/kvm >"$LAB_OUT/events"
cat /sys/fs/cgroup/cgroup.subtree_control >"$LAB_OUT/controllers"
stat -f -c %T /sys/fs/bpf >"$LAB_OUT/bpf"
uname -n >"$LAB_OUT/name"
printf '%s' "$VMFLOW_LAB $VMFLOW_TEST_WORD" >"$LAB_OUT/words"
nproc >"$LAB_OUT/cpus"
echo again >/dev/stderr
cat "$LAB_OUT/random"
seq 200000 >&2
sleep 1000 &
exit 7
END
mkdir results
head -c 3000000 /dev/urandom >results/random
# shellcheck disable=SC2016 # nothing of it may be expanded
arguments=('' ' two  words ' "it's" 'a "b"' $'line\nbreak' '$HOME `id` $(id) \ *' -- ';|&<>')
VMFLOW_TEST_WORD=$'a b\n"c"' "$lab" --out results -- bash inner "$lab" "${arguments[@]}" >out 2>err
is "command: status 7" $? 7
cmp -s out results/random; is "stdout: 3 MB of any bytes" $? 0
{ echo again; seq 200000; } | cmp -s - err; is "stderr: 200,000 lines, and nothing else" $? 0
printf '%s\0' "${arguments[@]}" | cmp -s - results/arguments; is "arguments are exact" $? 0
is "same directory" "$(cat results/cwd)" "$PWD"
is "the checkout is at its path" "$(cat results/checkout)" "$(sha256sum <"$lab")"
is "/dev/kvm" "$(cat results/kvm)" yes
is "nested paging" "$(cat results/npt)" Y
has "tracepoints of KVM" results/events '^kvm_exit$'
has "cgroup controllers" results/controllers '\bcpu\b'
is "file system of BPF" "$(cat results/bpf)" bpf_fs
is "host name" "$(cat results/name)" lab
is "variables" "$(cat results/words)" $'1 a b\n"c"'
is "two CPUs" "$(cat results/cpus)" 2

# A test that runs in the lab and returns what ctest takes for a skip has failed.
"${lab%/scripts/lab.sh}/tests/lab/run_in_lab.sh" -- sh -c 'exit 77' >out 2>err
is "a test in the lab cannot skip itself" $? 1

# --icount boots, and a command that does not exist is told from one that fails.
"$lab" --icount -- no-such-command >out 2>err
is "no such command: status 127, with --icount" $? 127
has "no such command: named" err 'no-such-command'

"$lab" --timeout 3 -- sh -c 'echo early; sleep 60' >out 2>err
is "timeout: status 124" $? 124
is "timeout: what was printed is there" "$(cat out)" early
has "timeout: one line says so" err '^lab: the command took more than 3 s'
has "timeout: tail of the console" err 'lab: the command starts'

"$lab" -- sh -c 'echo c >/proc/sysrq-trigger' >out 2>err
is "panic: status 125" $? 125
has "panic: the line has the reason" err '^lab: the lab died (Kernel panic'
has "panic: tail of the console" err '</TASK>'

# Building LTTng's modules takes a minute or two, which is not worth it each time that the cache is empty.
cache=${VMFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmflow}
if [[ ,${VMFLOW_REQUIRE-}, == *,lab,* ]] || compgen -G "$cache/lab/lttng-*" >/dev/null; then
  "$lab" --lttng -- sh -c 'modprobe lttng-probe-kvm-x86 && lsmod' >out 2>err
  is "lttng: status 0" $? 0
  has "lttng: the KVM probe is loaded" out '^lttng_probe_kvm_x86 '
else
  printf 'skipped: lttng (its modules are not built; VMFLOW_REQUIRE=lab builds them)\n'
fi

# A forwarded port to a server on the lab's loopback, in a lab whose KVM is loaded by the command.
port=$((20000 + RANDOM % 10000))
mkdir www
cat >server <<'END'
ls /sys/module | grep -c '^kvm' >www/modules
modprobe kvm_amd && ls /dev/kvm >>www/modules
busybox httpd -f -p "127.0.0.1:$1" -h www &
until [ -e "$LAB_OUT/fetched" ]; do sleep 0.2; done
END
mkdir served
"$lab" --no-kvm --publish "$port" --timeout 60 --out served -- sh server "$port" >out 2>err &
background=$!
for ((i = 0; i < 60; i++)); do
  curl -s --max-time 1 "http://127.0.0.1:$port/modules" >page && break
  sleep 0.5
done
touch served/fetched
wait "$background"
is "no-kvm and publish: status 0" $? 0
background=''
is "no-kvm: not loaded, then by modprobe; fetched from a published port" "$(cat page)" $'0\n/dev/kvm'

# Ended from outside: QEMU goes with it.
"$lab" -- sleep 60 >out 2>err &
background=$!
qemu=''
for ((i = 0; i < 50 && ${#qemu} == 0; i++)); do qemu=$(pgrep -P "$background" qemu-system); sleep 0.1; done
kill -TERM "$background"
wait "$background"
is "terminated: status 143" $? 143
background=''
if [[ -n $qemu ]] && ! kill -0 "$qemu" 2>/dev/null; then
  ok "terminated: QEMU is gone"
else
  fail "terminated: QEMU is gone" "pid ${qemu:-not seen}"
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
