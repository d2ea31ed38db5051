# SPDX-License-Identifier: GPL-2.0-only
# From PromQL answers to a table, and a sentence for each VM on what hurts it.
def percent: . * 100 | round;
def left($n): tostring | . + " " * ([$n - length, 0] | max);
def right($n): tostring | " " * ([$n - length, 0] | max) + .;
def by_vm($answer): $answer[0].data.result | group_by(.metric.vm) | map({key: .[0].metric.vm, value: .}) | from_entries;
def of($field): map({key: .metric[$field], value: (.value[1] | tonumber)}) | from_entries;


# Who held the CPU most while the VM was ready; both numbers are since the VM began.
def worst($vm):
  [$culprits[0].culprits[] | select(.victim.id == $vm and .culprit.kind != "none" and .culprit.kind != "unknown")] as $rows |
  ($rows | max_by(.seconds).culprit) as $who |
  {who: ($who.name // $who.task // $who.kind // "somebody"), share: (($rows | max_by(.seconds).seconds // 0) / (([$rows[].seconds] | add) // 1))};

def sentence($vm; $share; $exit; $rate; $exit_share; $wait):
  ($share.guest + $share.guest_nested + $share.kvm + $share.vmm) as $on_cpu |
  if $exit_share > 0.05 and $exit_share > 0.3 * $on_cpu then
    "An exit storm of its own: \($rate | round) \($exit) exits a second take \($exit_share / $on_cpu | percent) % of its CPU time."
  elif $share.ready > 0.2 then
    "Has work but no CPU \($share.ready | percent) % of its time: \(worst($vm) | "\(.who) has it \(.share | percent) % of that")."
  elif $share.throttled > 0.1 then
    "Its CPU quota stops it \($share.throttled | percent) % of its time."
  elif $share.vmm_blocked > 0.2 then
    "Waits for its VMM \($share.vmm_blocked | percent) % of its time."
  elif $share.vmm > 0.2 then
    "Its VMM works \($share.vmm | percent) % of its time for it: look at its emulated devices."
  elif $share.halted + $share.halt_poll > 0.6 then
    "Nothing hurts it: it sleeps \($share.halted + $share.halt_poll | percent) % of its time, until \(if $wait == "timer" then "its timer" else "\($wait)" end) wakes it."
  else
    "Nothing hurts it: it works."
  end;

["guest", "kvm", "vmm", "halt_poll", "halted", "ready", "vmm_blocked"] as $states |
by_vm($exits) as $exits | by_vm($waits) as $waits | by_vm($exit_shares) as $exit_shares |
by_vm($shares) | to_entries | map(
  .key as $vm | .value as $rows | ($rows | of("state")) as $share |
  ($exits[$vm][0] // {metric: {reason: "-"}, value: [0, "0"]}) as $top |
  {vm: $vm, wait: ($waits[$vm][0].metric.reason // "nothing"), name: $rows[0].metric.name, share: $share, reason: $top.metric.reason, rate: ($top.value[1] | tonumber),
   exit_share: ($exit_shares[$vm] | of("reason")[$top.metric.reason] // 0)}
) | sort_by(-.share.ready, .name) |
("VM" | left(11)) + ($states | map(right(12)) | join("")) + "  top exit, per second",
(.[] | . as $vm |
  (.name | left(11)) + ($states | map($vm.share[.] | percent | tostring + " %" | right(12)) | join(""))
  + "  " + .reason + " " + (.rate | round | tostring)),
"",
(.[] | (.name | left(11)) + "  " + sentence(.vm; .share; .reason; .rate; .exit_share; .wait))
