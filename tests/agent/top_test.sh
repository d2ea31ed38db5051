#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vmflow top in a real terminal, tmux, against a made-up agent: what is seen after which key.
# usage: top_test.sh VMFLOW
set -uo pipefail

vmflow=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
failed=0

skip() {
  printf 'skipped: %s\n' "$*"
  [[ ,${VMFLOW_REQUIRE-}, != *,unit,* ]] && exit 77 # what ctest takes for a skip
  exit 1
}
for program in tmux node; do
  command -v "$program" >/dev/null || skip "$program is missing (scripts/setup.sh installs it)"
done

scratch=$(mktemp -d)
socket=$scratch/tmux
steering=$scratch/steering.json
agent=
terminal() { tmux -u -f /dev/null -S "$socket" "$@"; }
# shellcheck disable=SC2317 # the trap calls it
finish() {
  terminal kill-server 2>/dev/null
  [[ -z $agent ]] || kill "$agent" 2>/dev/null
  rm -rf "$scratch"
}
trap finish EXIT

steer() { printf '%s\n' "$1" >"$steering.new" && mv "$steering.new" "$steering"; }
start_agent() { # start_agent [PORT]
  rm -f "$scratch/port"
  node "$here/top_agent.mjs" "$steering" "$@" >"$scratch/port" 2>"$scratch/agent.log" &
  agent=$!
  for ((i = 0; i < 100; i++)); do
    [[ -s $scratch/port ]] && break
    sleep 0.1
  done
  port=$(<"$scratch/port")
  [[ -n $port ]] || { printf 'FAIL: the made-up agent did not start: %s\n' "$(<"$scratch/agent.log")"; exit 1; }
}
stop_agent() {
  kill "$agent"
  wait "$agent" 2>/dev/null
  agent=
}

screen() { terminal capture-pane -p -t top; }
keys() { terminal send-keys -t top "$@"; }
fail() {
  printf 'FAIL: %s; the screen:\n%s\n' "$1" "$(screen)"
  failed=1
}
# What the screen comes to show within ten seconds; a pattern of grep over all of its lines.
see() { # see WHAT PATTERN
  for ((i = 0; i < 100; i++)); do
    screen | grep -q -- "$2" && { printf 'seen: %s\n' "$1"; return; }
    sleep 0.1
  done
  fail "$1 ($2)"
}
see_not() { # see_not WHAT PATTERN
  for ((i = 0; i < 100; i++)); do
    screen | grep -q -- "$2" || { printf 'seen: %s\n' "$1"; return; }
    sleep 0.1
  done
  fail "$1 (not $2)"
}
# The names of the list in their order, cut to four characters.
see_order() { # see_order WHAT "NAME NAME …"
  for ((i = 0; i < 100; i++)); do
    got=$(screen | grep -oE '^(web-|batc|stor|db-|evil)' | tr '\n' ' ')
    [[ $got == "$2 "* ]] && { printf 'seen: %s\n' "$1"; return; }
    sleep 0.1
  done
  fail "$1 (order $got, not $2)"
}
start_top() { # start_top WIDTH HEIGHT [VARIABLE=VALUE… --] FLAGS…
  local width=$1 height=$2 command
  shift 2
  printf -v command '%q ' env LC_ALL=C.UTF-8 "$@"
  terminal kill-session -t top 2>/dev/null
  terminal new-session -d -s top -x "$width" -y "$height" "$command; printf 'ended with %s\n' \$?; sleep 60"
}

steer '{}'
start_agent
url=http://127.0.0.1:$port

# The server ends with its last session, and a session that is asked for meanwhile is lost: this one stays.
terminal new-session -d -s stays 'sleep 600'

# The list, its order, a VM.
start_top 80 24 "$vmflow" top --agent "$url" --delay 0.5
see 'the first look has no percentages' 'web-1  *2  *-'
see 'percentages from the second look on' '^web-1  *2  *50.0 10.0  0.0 40.0  0.0   0.0  0.0 .* batch-1  other VM$'
see 'what it is called in wide characters, cut' '^db-日本語 '
see 'a hostile name as harmless text' '^evil.*~ '
see_order 'those that wait for a CPU first' 'web- batc stor'
keys r
see_order 'the other way round' 'db- evil stor batc web-'
keys r
keys '<' '<'
see_order 'sorted by KVM' 'stor web-'
keys '>' '>' Home
see_order 'sorted by ready again' 'web-'
keys j j
keys Enter
see 'one VM: its sentence' 'The cause is own_load'
see 'its vCPUs' '^0  *1000  *30.0'
see 'its exits by reason' '^cpuid  *98[0-9][0-9]'
see 'why it has no processes' 'no registers of this VM'
steer '{"gone": ["vm-c"]}'
see 'it has gone' 'vm-c is gone'
keys q
see_not 'back in the list, without it' '^storm'
steer '{}'
see 'it has come back, with nothing known' '^storm'
keys Home Enter
see 'the culprit by name' '^batch-1  *40.0'
keys End
see 'processes of the guest' '^cr3:1a2b3000  *40.0'
keys Escape
see 'back with Esc' '^NAME'

# A VM that goes from under the cursor: the next one is there then.
keys Home j j
steer '{"gone": ["vm-c"]}'
see_not 'gone from the list' '^storm'
keys Enter
see 'the cursor has kept its place' 'The cause is \(platform\|nothing\)'
keys q
steer '{}'

# Sizes.
keys Home
terminal resize-window -t top -x 40 -y 10
see 'narrow: fewer columns' '^NAME  *%GUEST %RDY CULPRIT'
terminal resize-window -t top -x 200 -y 50
see 'wide: what halts ended by' '%TMR %DSK %NET %TSK %OTH %POLL'
see 'a split of the halted time' '^db-日本語 .* 80.0 20.0 60.0'
terminal resize-window -t top -x 12 -y 3
see 'tiny' '^web-1'
terminal resize-window -t top -x 80 -y 24
keys h
see 'the help' '100 is all of its vCPUs'
keys q

# A thousand more.
steer '{"many": 1000}'
see 'how many there are' '1005 VMs'
keys End
see 'the last one' '^idle-0999'
keys Home
see 'the first one' '^web-1'
steer '{}'
see 'five are left' ' 5 VMs'

# The agent goes and comes.
stop_agent
see 'the agent is gone' 'STALE since .*no answer'
see 'the last picture stays' '^web-1  *2  *50.0'
start_agent "$port"
see 'it was restarted' 'counters fell'
see 'it goes on' '^web-1  *2  *50.0'
see_not 'nothing is stale' 'STALE'
keys q
see 'q ends it' 'ended with 0'

# Colours: none if they are not wanted, or the terminal has none.
colours() { terminal capture-pane -p -e -t top | grep -cE $'\x1b\\[[0-9;]*3[13]'; }
start_top 80 24 "$vmflow" top --agent "$url" --delay 0.5
see 'percentages' '^web-1  *2  *50.0'
[[ $(colours) -gt 0 ]] || fail 'nothing has a colour'
for way in '--no-color' 'NO_COLOR=1' 'TERM=vt100'; do
  if [[ $way == --* ]]; then
    start_top 80 24 "$vmflow" top --agent "$url" --delay 0.5 "$way"
  else
    start_top 80 24 "$way" "$vmflow" top --agent "$url" --delay 0.5
  fi
  see "percentages with $way" '^web-1  *2  *50.0'
  [[ $(colours) == 0 ]] || fail "colours with $way"
done
start_top 80 24 LC_ALL=C "$vmflow" top --agent "$url" --delay 0.5
see 'in a terminal that knows ASCII only' '^db-?????? '
start_top 80 24 TERM=dumb "$vmflow" top --agent "$url"
see 'a dumb terminal is told what to do' 'vmflow: this terminal cannot be drawn on; -b prints text'
see 'and it ends' 'ended with 1'

# Without a terminal.
batch=$(LC_ALL=C.UTF-8 "$vmflow" top --agent "$url" --delay 0.3 -b -n 2 --sort name </dev/null) || fail 'batch does not end with 0'
check() { # check WHAT COMMAND…
  local what=$1
  shift
  if "$@" >/dev/null; then printf 'seen: %s\n' "$what"; else printf 'FAIL: %s in:\n%s\n' "$what" "$batch"; failed=1; fi
}
# shellcheck disable=SC2317 # check() calls it
matches() { [[ $(grep -cE -- "$1" <<<"$batch") == "$2" ]]; }
check 'two times' matches '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z 5 VMs, 0\.[0-9] s$' 2
check 'two headers' matches '^NAME ' 2
check 'numbers with dots' matches '^web-1 +2 +50\.0 +10\.0 +0\.0 +40\.0' 2
check 'as many words in each line' matches '^([^ ]+ +){18}[^ ]+$' 12
check 'no escape sequences' matches $'\x1b' 0
batch=$("$vmflow" top --agent "$url" </dev/null 2>&1) && fail 'without a terminal it must fail'
check 'what to do without a terminal' matches '^vmflow: this is no terminal; -b prints text$' 1
batch=$("$vmflow" vms --agent "$url")
check 'a VM is a line' matches '^vm-a +web-1 +100 +2 +2023-11-14T22:13:20Z +- +colocated_vm +The cause is' 1
batch=$("$vmflow" log --csv --agent "$url" --delay 0.3 -n 2)
check 'one header of the log' matches '^time,id,pid,name,vcpus,guest_percent,' 1
check 'a row for each VM and look' matches '^20[^,]*Z,vm-a,100,web-1,2,50\.000,10\.000,' 2
batch=$("$vmflow" log --json --agent "$url" --delay 0.3 -n 1)
check 'an object for each VM' matches '^\{"time":"20[^"]*Z","id":"vm-[a-e]",.*\}$' 5
stop_agent
batch=$("$vmflow" top --agent "$url" -b -n 3 2>&1) && fail 'without an agent it must fail'
check 'one clear line' matches "^vmflow: no answer from $url" 1
check 'and nothing else' test "$(wc -l <<<"$batch")" == 1
exit "$failed"
