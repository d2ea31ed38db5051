# SPDX-License-Identifier: GPL-2.0-only
# Tables in Markdown of what scripts/bench.sh has measured, with each target beside what was reached.

def sorted_runs: .runs | sort;
def median: sort | if length % 2 == 1 then .[(length - 1) / 2] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def middle: .runs | median;
def digits($n): . * pow(10; $n) | round / pow(10; $n) | tostring
  | if $n == 0 then . else (if test("\\.") then . else . + "." end) | . + "0" * ($n - (split(".")[1] | length)) end;
def thousands: round | tostring | [match("^-?[0-9]{1,3}(?=([0-9]{3})*$)|[0-9]{3}(?=([0-9]{3})*$)"; "g").string] | join(",");
def spread(f): "\(sorted_runs | first | f) to \(sorted_runs | last | f)";
def cells: "| " + join(" | ") + " |";
def table($head; $rows): ($head | cells), ($head | to_entries | map(if .key == 0 then "---" else "---:" end) | cells), ($rows[] | cells), "";
def verdict($met): if $met then "met" else "**missed**" end;

def base($rows): $rows[] | select(.with == "nothing") | middle;
def ours($rows): [$rows[] | select(.with == "vmflow, recorder off") | middle][0];
def exit_title:
  {cpuid: "**Exit and entry**: a CPUID, from exit to exit, of the vCPU thread.",
   hlt: "**Halt**: exit, sleep, wake-up by the guest's own timer, entry, of the vCPU thread.",
   pio: "**Userspace exit**: a port access that the VMM answers, of the vCPU thread.",
   ipi: "**IPI**: two vCPUs that wake each other from HLT, there and back, of both threads.",
   pipe: "**Switches of tasks that are no vCPUs**: a round trip through a pipe, which is two switches and two wake-ups."}[.];
def exit_table($what): . as $rows | base($rows) as $base | (ours($rows) - $base) as $ours
  | ($what | exit_title), "",
    table(["with", "instructions", "lowest to highest", "added", "times what vmflow adds"];
      [$rows[] | (middle - $base) as $added
       | [.with, (middle | thousands), spread(thousands), (if .with == "nothing" then "" else $added | thousands end),
          (if .with | startswith("nothing") then "" else $added / $ours | digits(2) end)]]);
def exit_targets: map(select(.what == "cpuid")) as $rows | base($rows) as $base | (ours($rows) - $base) as $ours
  | ([$rows[] | select(.with | test("^(nothing|floor|vmflow)") | not) | {with, added: (middle - $base)}] | min_by(.added)) as $peer
  | "Targets for exit and entry, with full accounting and the recorder off:", "",
    table(["target", "reached", ""];
      [["at most 450 instructions added (stretch 300)", ($ours | thousands), verdict($ours <= 450)]]
      + (if $peer then [["less than every other tool, the cheapest being \($peer.with) with \($peer.added | thousands)",
           "\($ours / $peer.added | digits(2)) of it", verdict($ours < $peer.added)]] else [] end));
def exit_part: map(select(.what)) as $rows
  | "## Instructions, counted in the lab", "",
    "In the lab virtual time counts instructions, 8 ns each, so these figures do not depend on the machine. Each is the median of three runs after one to warm up; vmflowd has attached and stands still.", "",
    (if any($rows[]; .with == "vmflow, recorder off") then
       (("cpuid", "hlt", "pio", "ipi", "pipe") as $what | $rows | map(select(.what == $what)) | exit_table($what)),
       ($rows | exit_targets)
     else "It ended before vmflow was measured.", "" end);

def program_row: [.with, .program // "all of its programs, for each switch", (.calls // null | if . then thousands else "" end),
                  (middle | digits(0)), spread(digits(0))];
def kernel_programs: . as $rows | ("pipe", "messaging") as $load
  | ($rows | map(select(.load == $load))) as $rows | select($rows | length > 0)
  | "Nanoseconds for each run of a program under `perf bench sched \($load)`, as the kernel's BPF statistics tell them; their own reading of the clock is in each.", "",
    table(["with", "program", "runs in a round", "ns", "lowest to highest"];
      [$rows[] | select(.what == "tool" or .calls > 1000) | program_row]);
def kernel_switch_target: map(select(.what == "program" and .load == "pipe")) as $rows
  | ([$rows[] | select(.program == "empty_sched_switch") | middle][0]) as $empty
  | ([$rows[] | select(.program == "on_sched_switch") | middle][0]) as $ours
  | select($empty and $ours)
  | "Target for a switch on a CPU where no vCPU runs or waits:", "",
    table(["target", "reached", ""];
      [["at most 2 times an empty program (\($empty | digits(0)) ns)", "\($ours / $empty | digits(2)) times (\($ours | digits(0)) ns)",
        verdict($ours <= 2 * $empty)]]);
# The interval that holds the median of what was drawn with 95 %: so many from each end, by the binomial distribution.
def interval: sort | length as $n
  | (reduce range(0; $n + 1) as $k ({p: pow(0.5; $n), sum: 0, rank: 0};
       (.sum += .p) | (if .sum <= 0.025 then .rank = $k + 1 else . end) | .p *= ($n - $k) / ($k + 1)) | .rank) as $rank
  | [.[[$rank - 1, 0] | max], .[[$n - $rank, $n - 1] | min]];
def pair_name: {nothing_again: "nothing (A/A)", empty: "empty programs on sched_switch and sched_waking", vmflow: "vmflow", runqlat: "bpftrace, runqlat"}[.];
def kernel_pairs: map(select(.what == "pipe")) as $rows | select($rows | length > 0)
  | "What `perf bench sched pipe`, both tasks on one CPU, takes beside it, as a ratio to nothing: \($rows[0].runs | length) pairs that take turns. The interval holds the median with 95 %.", "",
    table(["with", "clock", "median ratio", "95 % interval", "lowest to highest"];
      [$rows[] | (.runs | interval) as $in
       | [(.with | pair_name), .clock, (middle | digits(3)), "\($in[0] | digits(3)) to \($in[1] | digits(3))", spread(digits(3))]]),
    ([$rows[] | select(.with == "vmflow")] as $ours | select($ours | length > 0)
     | "Targets for it:", "",
     table(["target", "reached", ""];
      [$ours[] | .clock as $clock | middle as $ratio
       | ([$rows[] | select(.with == "nothing_again" and .clock == $clock)][0].runs | interval) as $aa
       | ([$rows[] | select(.with == "runqlat" and .clock == $clock) | middle][0]) as $runqlat
       | (["\($clock) time: at most 1.03, or within the A/A interval (\($aa[0] | digits(3)) to \($aa[1] | digits(3)))", ($ratio | digits(3)),
           verdict($ratio <= 1.03 or ($ratio >= $aa[0] and $ratio <= $aa[1]))],
          (select($runqlat) | ["\($clock) time: below runqlat's \($runqlat | digits(3))", ($ratio | digits(3)), verdict($ratio < $runqlat)]))]));
def kernel_part: "## On the machine's own kernel", "",
  kernel_programs, kernel_switch_target, kernel_pairs;

def trace_part: map(select(.what)) as $rows
  | "## Reading a trace", "",
    "Wall time and memory (of the largest process, the median) to read a trace as vmflow's ring records it, the median of three runs that take turns; the dummy sink reads and does nothing: the floor.", "",
    table(["events", "with", "s", "lowest to highest", "events/s", "times the floor", "peak MiB"];
      [$rows[] | .events as $events | ([$rows[] | select(.events == $events and (.with | test("dummy"))) | middle][0]) as $floor
       | [(.events | thousands), .with, (middle | digits(2)), spread(digits(2)), ($events / middle | thousands), (middle / $floor | digits(2)),
          (.peak_mib | median | thousands)]]),
    "Targets for vmflow analyze:", "",
    table(["target", "reached", ""];
      [$rows[] | select(.with == "vmflow analyze") | .events as $events | middle as $ours
       | ([$rows[] | select(.events == $events and (.with | test("dummy"))) | middle][0]) as $floor
       | (["\($events | thousands) events: at most 1.3 times the dummy sink", "\($ours / $floor | digits(2)) times", verdict($ours <= 1.3 * $floor)],
          ["\($events | thousands) events: 1,000,000 a second where the dummy sink reaches that (\($events / $floor | thousands))",
           "\($events / $ours | thousands) a second", (if $floor * 1e6 > $events then "not asked" else verdict($ours * 1e6 <= $events) end)])]);

def left_out: map(select(.missing)) | select(length > 0)
  | "Left out: " + (map("\(.with) (\(.missing))") | join("; ")) + ".", "";

"Measured \(.at), vmflow \(.commit), this machine's kernel \(.kernel).", "",
(.rows as $rows
 | ("exit", "kernel", "trace") as $part | $rows | map(select(.part == $part)) | select(length > 0)
 | (if $part == "exit" then exit_part elif $part == "kernel" then kernel_part else trace_part end), left_out)
