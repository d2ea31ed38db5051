#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# In the lab, in a Debian of its own that a real systemd has booted (lab.sh --boot): the .deb from its installation to
# its purge. The machine's own files are below /machine.
# service.sh DEB GROUND_TRUTH
set -uo pipefail
deb=/machine$1 ground_truth=$2
failures=0
say() { printf '     %s\n' "$*"; }
bad() { printf 'FAIL: %s\n' "$*"; failures=$((failures + 1)); }

page() { curl -sf "http://127.0.0.1:9752$1"; }
# until_true SECONDS COMMAND...
until_true() {
  local most=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do ((SECONDS < most)) || return 1; sleep 0.2; done
}
# shellcheck disable=SC2317 # called by until_true
confined() { page /metrics | grep >/dev/null '^vmflow_agent_confined{by="system_call_filter"} 1'; }
# shellcheck disable=SC2317
counted() { page /metrics | grep >/dev/null '^vmflow_vm_exits_total{.*reason="cpuid"} 3001'; }
programs() { bpftool prog show | grep -c -E 'name on_(kvm|sched)'; }
main_pid() { systemctl show -P MainPID vmflowd; }

# Of every thread: nothing held, nobody's user, filtered.
check_threads() {
  local task status field
  status=$(mktemp)
  for task in /proc/"$(main_pid)"/task/*; do
    cat "$task/status" >"$status" 2>/dev/null || continue # it has ended
    for field in 'CapInh:0' 'CapPrm:0' 'CapEff:0' 'CapAmb:0' 'NoNewPrivs:1' 'Seccomp:2'; do
      [[ $(sed -n "s/^${field%:*}:[[:space:]]*0*\([0-9a-f]\)/\1/p" "$status") == "${field#*:}" ]] || bad "$task: not $field"
    done
    [[ $(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "$status") -ge 61184 ]] || bad "$task: $(grep Uid "$status")"
  done
  say "$(find "/proc/$(main_pid)/task" -mindepth 1 -maxdepth 1 | wc -l) threads of user $(stat -c %u /proc/"$(main_pid)")"
}

check_running() {
  until_true 60 page /-/ready || bad "not ready: $(journalctl -u vmflowd --no-pager | tail -n 5)"
  until_true 30 confined || bad "no filter: $(journalctl -u vmflowd --no-pager | tail -n 5)"
  [[ $(systemctl is-active vmflowd) == active ]] || bad "is-active: $(systemctl is-active vmflowd)"
  check_threads
}

check_guest() {
  local exits
  # As on the machine that it was built on, in its files.
  sleep 60 | chroot /machine "$ground_truth" cpuid --count 3001 --hold -name mail >/dev/null &
  until_true 20 counted
  exits=$(page /metrics | sed -n 's/^vmflow_vm_exits_total{.*reason="cpuid"} //p')
  say "3001 CPUIDs, $exits exits"
  [[ $exits == 3001 ]] || bad "exits: $exits"
  page /metrics | grep >/dev/null '^vmflow_vm_info{.*name="mail"' || bad "the guest has no name: $(page /metrics | grep '^vmflow_vm_info')"
}

before=$(find /etc /usr /var/lib /lib -xdev -path /var/lib/dpkg -prune -o -path /var/lib/systemd -prune -o -print | sort)
say "systemd $(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p') is process $(pidof -s systemd || echo 1): $(cat /proc/1/comm)"
dpkg -i "$deb" >/tmp/dpkg.log 2>&1 || bad "dpkg -i: $(tail -n 5 /tmp/dpkg.log)"
check_running
check_guest
[[ $(programs) -gt 0 ]] || bad "bpftool sees no program"
[[ $(systemctl is-enabled vmflowd) == enabled ]] || bad "not enabled"
first=$(main_pid)
systemctl restart vmflowd || bad "restart: $?"
[[ $(main_pid) != "$first" ]] || bad "a restart has started nothing"
check_running
refused=$(dmesg | grep -c type=1326)
[[ $refused == 0 ]] || bad "refused system calls: $(dmesg | grep type=1326)"
dpkg -P vmflow >/tmp/dpkg.log 2>&1 || bad "dpkg -P: $(tail -n 5 /tmp/dpkg.log)"
[[ $(systemctl is-active vmflowd) != active ]] || bad "it runs after the purge"
say "programs left after the purge: $(programs)"
[[ $(programs) == 0 ]] || bad "programs are left"
left=$(diff <(printf '%s\n' "$before") <(find /etc /usr /var/lib /lib -xdev -path /var/lib/dpkg -prune -o -path /var/lib/systemd -prune -o -print | sort)) ||
  bad "a purge leaves (>) or takes (<): $left"
((failures == 0)) && say "the service works"
exit $((failures != 0))
