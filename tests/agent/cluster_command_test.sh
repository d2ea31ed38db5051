#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What `vmflow cluster` answers to tables and flags that are wrong: one line and the right status; and that it reads stdin and
# several files, and writes the same bytes for the same seed. usage: cluster_command_test.sh VMFLOW
set -uo pipefail

vmflow=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }

header=host,vm,name,begin_seconds,end_seconds
{
  printf '%s,wait_disk_ratio,exits_msr_per_second\n' "$header"
  for i in {0..19}; do printf 'h,vm-%d,,0,60,0.%d%d,%d\n' "$i" $((i < 8 ? 7 : 0)) $((i % 5)) $((i % 3)); done
} >good.csv
printf '%s,a\nh,v,n,0,1,2\n' "$header" >one.csv
printf '%s,a\n' "$header" >none.csv
printf '%s,a\nh,v,n,0,1,2\nh,w,n,0,1,2\n' "$header" >constant.csv
printf '%s,a\nh,v,n,0,1,\nh,w,n,0,1,\n' "$header" >unknown.csv
printf '%s,a\nh,v,n,0,1,nan\n' "$header" >nan.csv
printf '%s,a\nh,v,n,0,1\n' "$header" >ragged.csv
printf '%s,"\033[31m\n<b>"\nh,v,n,0,1,"\033[31m\n<b>"\n' "$header" >evil.csv
: >empty.csv

refuses() { # refuses STATUS PATTERN ARGUMENT...: one line on stderr that PATTERN fits, nothing on stdout
  local status=$1 pattern=$2
  shift 2
  "$vmflow" cluster "$@" >out 2>err </dev/null
  local its=$?
  printf '%s: %s\n' "$*" "$(<err)"
  ((its == status)) || fail "$*: status $its"
  [[ $(wc -l <err) == 1 && ! -s out && $(<err) == "vmflow: "$pattern ]] || fail "$*: $(<err)"
  ! grep -q $'\033' err || fail "$*: an escape"
}

refuses 1 'stdin: it is empty*'
refuses 1 'empty.csv: it is empty*' empty.csv
refuses 1 "'missing.csv' cannot be read" missing.csv
refuses 1 '.: it cannot be read' .
refuses 1 'the table has no VM' none.csv
refuses 1 'there is one VM only*' one.csv
refuses 1 'nothing tells the 2 VMs apart*' constant.csv
refuses 1 'no feature of any VM is known' unknown.csv
refuses 1 "nan.csv: line 2: column 'a': 'nan' is no finite number*" nan.csv
refuses 1 'ragged.csv: line 2: it has 5 cells, the first line has 6' ragged.csv
refuses 1 'evil.csv: line 3: column *' evil.csv
refuses 1 '/dev/zero: it has more than 128 MiB*' /dev/zero
refuses 1 "no column is called 'net_\*', by which the only stage groups; there are: wait_disk_ratio, *" --coarse 'net_*' good.csv
refuses 1 "no column is called 'exits_\*', by which the fine stage groups; there are: a" --stages 2 --coarse a constant.csv
refuses 1 "cannot write '/nowhere/x'" --output /nowhere/x good.csv
refuses 2 '--fine needs --stages 2' --fine 'exits_*' good.csv
refuses 2 '*--stages*' --stages 3 good.csv
refuses 2 '*--k*' --k 0 good.csv
refuses 2 '*--max-k*' --max-k 1 good.csv
refuses 2 '*--max-k*' --k 3 --max-k 4 good.csv
refuses 2 '*--seed*' --seed -1 good.csv
refuses 2 '*--format*' --format pdf good.csv

"$vmflow" cluster good.csv >first || fail "a good table"
grep -q '^Group 2: disk-bound, 8 VMs: 71 % disk wait (others 2 %)' first || fail "$(<first)"
"$vmflow" cluster <good.csv | cmp - first || fail "stdin is something else"
for stages in 1 2; do
  for format in text json html; do
    for n in 1 2; do "$vmflow" cluster good.csv --stages "$stages" --seed 7 --format "$format" --output "out-$n" || fail "$format"; done
    cmp out-1 out-2 || fail "$stages stages, $format: the same seed gives something else"
  done
done
sed 's/^h,/i,/' good.csv >other.csv
"$vmflow" cluster good.csv other.csv | grep >/dev/null '^40 VMs fall into' || fail "two hosts"
exit "$failed"
