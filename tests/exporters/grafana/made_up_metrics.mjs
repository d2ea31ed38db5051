// SPDX-License-Identifier: GPL-2.0-only
// Half an hour of five VMs on two hosts, as OpenMetrics for `promtool tsdb create-blocks-from`: the series of the golden page, with
// numbers that go together. web-1 has everything a VM can have, and in the middle loses its CPU to batch-1 and waits for its disk.
// usage: node made_up_metrics.mjs GOLDEN_PAGE END_TIME > FILE
import { readFileSync, writeSync } from 'node:fs';

const [page, end] = [readFileSync(process.argv[2], 'utf8'), Number(process.argv[3])];
const kStep = 15;
const kPoints = 150;
const start = end - kStep * (kPoints - 1);

const kVms = [
  { vm: '5bf1a2ab-0001', name: 'web-1', host: 'kvm-a:9752', vcpus: 4, all: true,
    calm: { guest: 0.28, guest_nested: 0.06, kvm: 0.05, vmm: 0.02, halt_poll: 0.02, halted: 0.53, ready: 0.02, throttled: 0.002, vmm_blocked: 0.012, paused: 0.006 },
    hurt: { guest: 0.2, guest_nested: 0.04, kvm: 0.06, vmm: 0.03, halt_poll: 0.01, halted: 0.33, ready: 0.24, throttled: 0.04, vmm_blocked: 0.05, paused: 0 } },
  { vm: '5bf1a2ab-0002', name: 'batch-1', host: 'kvm-a:9752', vcpus: 8,
    calm: { guest: 0.9, kvm: 0.02, halted: 0.05, ready: 0.03 }, hurt: { guest: 0.82, kvm: 0.02, ready: 0.16 } },
  { vm: '5bf1a2ab-0003', name: 'db-1', title: 'The shop', host: 'kvm-b:9752', vcpus: 2, disk: true,
    calm: { guest: 0.3, kvm: 0.06, vmm: 0.02, halted: 0.62 }, hurt: { guest: 0.3, kvm: 0.1, vmm: 0.06, halted: 0.52, vmm_blocked: 0.02 } },
  { vm: '5bf1a2ab-0004', name: 'quota-1', host: 'kvm-b:9752', vcpus: 2,
    calm: { guest: 0.5, kvm: 0.01, halted: 0.4, throttled: 0.09 }, hurt: { guest: 0.5, kvm: 0.01, halted: 0.27, throttled: 0.22 } },
  { vm: '4711-880012', name: '', host: 'kvm-b:9752', vcpus: 1, calm: { guest: 0.01, kvm: 0.01, halted: 0.98 }, hurt: { guest: 0.01, kvm: 0.01, halted: 0.98 } },
];
const kShares = {
  vmflow_vm_wait_seconds_total: ['halted', 'reason', { timer: 0.45, disk: 0.2, net: 0.15, task: 0.1, memory: 0.01, device: 0.05, passthrough: 0.01, unknown: 0.03 }],
  vmflow_vm_blocked_seconds_total: ['vmm_blocked', 'cause', { memory: 0.3, io: 0.5, lock: 0.15, other: 0.05 }],
  vmflow_vm_ready_by_culprit_seconds_total: ['ready', 'culprit', { other_vm: 0.7, own_vm: 0.1, host_task: 0.1, kernel_thread: 0.06, irq: 0.01, none: 0.02, unknown: 0.01 }],
};
const kExits = { intr: 400, vintr: 5, cpuid: 20, pause: 60, hlt: 900, ioio: 40, msr: 1500, vmrun: 200, vmmcall: 10, npf: 300, avic_incomplete_ipi: 30, vmgexit: 1, other: 25 };
const kExitCost = { ioio: 30, npf: 6, hlt: 4, vmrun: 8 };
const exitWeight = (reason) => (kExits[reason] ?? 10) * (kExitCost[reason] ?? 2);
const kExitWeights = Object.keys(kExits).reduce((sum, reason) => sum + exitWeight(reason), 0);

/** How much of the trouble there is at a time: it comes after ten minutes and goes after twenty-five. */
const trouble = (t) => Math.max(0, Math.min(1, (t - start - 700) / 120, (start + 1700 - t) / 120));
const wave = (t, seed) => 1 + 0.15 * Math.sin(t / 97 + seed) + 0.08 * Math.sin(t / 23 + 3 * seed);
const hash = (text) => [...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 1000, 7);

function stateShares(vm, t) {
  const share = {};
  const hurt = trouble(t);
  for (const state of Object.keys(kVms[0].calm)) share[state] = ((vm.calm[state] ?? 0) * (1 - hurt) + (vm.hurt[state] ?? 0) * hurt) * (state === 'halted' ? 1 : wave(t, hash(state)));
  const sum = Object.values(share).reduce((a, b) => a + b);
  for (const state of Object.keys(share)) share[state] /= sum;
  return share;
}

/** Growth per second of a VM's counter. */
function vmRate(vm, name, labels, t, golden) {
  const share = stateShares(vm, t);
  const wall = vm.vcpus;
  const hurt = trouble(t);
  if (name === 'vmflow_vm_vcpu_seconds_total') return share[labels.state] * wall;
  if (name === 'vmflow_vcpu_seconds_total') return share[labels.state];
  if (kShares[name]) return share[kShares[name][0]] * wall * kShares[name][2][labels[kShares[name][1]]];
  if (name === 'vmflow_vm_slowdown_seconds_total')
    return wall * { own_load: 0.1 * share.guest, guest_contention: 0.05 * share.guest, colocated_vm: 0.75 * share.ready + 0.03 * hurt, platform: share.throttled + share.vmm_blocked + 0.2 * share.ready, unknown: 0.02 }[labels.cause];
  if (name === 'vmflow_vm_exits_total') return (kExits[labels.reason] ?? 10) * wall * wave(t, hash(labels.reason)) * (1 + hurt);
  if (name === 'vmflow_vm_exit_seconds_total') return ((share.kvm + share.vmm) * wall * exitWeight(labels.reason)) / kExitWeights;
  if (name === 'vmflow_vm_halted_io_pending_seconds_total') return share.halted * wall * (labels.kind === 'disk' ? 0.15 + 0.5 * hurt : 0.1);
  if (name === 'vmflow_vm_disk_operations_total') return { read: 180, write: 90, other: 2 }[labels.op] * wave(t, 2);
  if (name === 'vmflow_vm_disk_bytes_total') return { read: 180 * 16384, write: 90 * 8192, other: 0 }[labels.op] * wave(t, 2);
  if (name === 'vmflow_vm_disk_seconds_total') return { read: 0.2, write: 0.15, other: 0.002 }[labels.op] * (1 + 12 * hurt);
  if (name === 'vmflow_vm_disk_wait_for_others_seconds_total') return 0.02 + 2 * hurt;
  if (name === 'vmflow_vm_disk_throttled_seconds_total') return 0.3 * hurt;
  if (name === 'vmflow_vm_disk_contended_seconds_total') return 0.05 + 0.5 * hurt;
  if (name === 'vmflow_vm_net_packets_total') return (labels.direction === 'receive' ? 4000 : 3200) * wave(t, 4);
  if (name === 'vmflow_vm_net_bytes_total') return (labels.direction === 'receive' ? 4000 * 700 : 3200 * 1100) * wave(t, 4);
  if (name === 'vmflow_vm_net_wait_seconds_total') return 4000 * (0.00003 + 0.0006 * hurt);
  if (name === 'vmflow_vm_net_drops_total') return 3 * hurt;
  if (name === 'vmflow_vm_nested_seconds_total') return wall * { l0: 0.02, l1: 0.03, l2: share.guest_nested }[labels.level];
  if (name === 'vmflow_vm_skew_seconds_total') return Math.min(0.9, share.ready * wall * 0.5);
  if (name.startsWith('vmflow_vm_halt_poll_')) return share.halt_poll * wall * (name.includes('success') ? 0.7 : 0.3);
  if (name === 'vmflow_vm_vcpu_unaccounted_seconds_total') return 0.00002 * hurt;
  if (name.includes('thread_cpu')) return 0.002 * (golden - 28) * wave(t, golden);
  if (name.includes('thread_ready')) return 0.0005 * (golden - 38) * (1 + 10 * hurt);
  return (golden / 10) * wave(t, hash(name + Object.values(labels).join()));
}

function hostRate(name, labels, t, golden) {
  if (name === 'process_cpu_seconds_total') return 0.012 * wave(t, 1);
  if (name === 'vmflow_bpf_program_runs_total') return 9000 * wave(t, 3);
  if (name === 'vmflow_bpf_program_run_seconds_total') return 9000 * 180e-9 * wave(t, 3);
  if (/dropped|anomalies|recursion_misses|torn|held_total|lost/.test(name)) return trouble(t) > 0.9 ? 0.01 * (golden % 3) : 0;
  if (/^vmflow_(trigger_fired|trigger_suppressed|trace_snapshot|trace_analyses)/.test(name)) return trouble(t) > 0 && golden ? 0.002 : 0;
  if (name === 'vmflow_trigger_evaluations_total') return labels.trigger === 'http' ? 0 : 3;
  if (name === 'vmflow_exits_folded_total') return 300;
  return (golden / 100) * wave(t, hash(name));
}

function gauge(vm, name, labels, t, golden) {
  if (name === 'vmflow_vm_vcpus') return vm.vcpus;
  if (name === 'vmflow_vms') return vm; // their number
  if (name === 'vmflow_vm_open_wait_seconds') return labels.state === 'halted' ? 0.4 * wave(t, 5) : labels.state === 'ready' ? 0.3 * trouble(t) : 0.01;
  if (name === 'vmflow_vm_disk_requests_in_flight' || name === 'vmflow_vm_net_packets_waiting') return Math.round(2 + 14 * trouble(t) * wave(t, 6));
  if (name === 'process_resident_memory_bytes') return 38e6 * wave(t / 50, 1);
  if (name === 'process_start_time_seconds') return start + 900; // and before: see below
  if (name === 'vmflow_trace_last_snapshot_timestamp_seconds') return start + 900;
  if (name === 'vmflow_vm_start_time_seconds') return start - 86400;
  if (name === 'vmflow_trace_stored_bytes') return 4e6 + 2e6 * trouble(t);
  if (name === 'vmflow_scrape_collector_duration_seconds') return 0.004 * wave(t, hash(labels.collector));
  if (name === 'vmflow_bpf_map_entries') return 17;
  if (name === 'vmflow_overhead_ratio') return 0.0012 * wave(t, hash(labels.instance)) * (1 + 4 * trouble(t));
  if (name === 'vmflow_detail_level') return trouble(t) === 1 ? 3 : 4;
  if (name === 'vmflow_detail_given_up') return labels.detail === 'recorder' && trouble(t) === 1 ? 1 : 0;
  return golden;
}

// --- series of the golden page ---
const types = new Map([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
const series = [];
for (const [, name, text, value] of page.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
  const labels = Object.fromEntries([...(text ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, label]) => [key, label]));
  const base = name.replace(/_(bucket|sum|count)$/, '');
  series.push({ name, labels, golden: Number(value), type: types.get(name) ?? types.get(base), base: types.get(name) ? undefined : base });
}

const lines = [];
function flush(everything) {
  if (!everything && lines.length < 20000) return;
  writeSync(1, lines.splice(0).join(''));
}
function write(name, labels, valueAt) {
  const text = Object.entries(labels).filter(([, value]) => value !== '').map(([key, value]) => `${key}="${value}"`).join(',');
  for (let i = 0; i < kPoints; i++) {
    const value = valueAt(start + i * kStep);
    if (value !== undefined) lines.push(`${name}{${text}} ${value} ${start + i * kStep}\n`);
  }
  flush(false);
}
const growing = (rate, at) => {
  let sum = at;
  return (t) => (sum += rate(t) * kStep);
};
/** Of a histogram: most observations are short, and some grow long while there is trouble. */
const below = (le, t) => (le === '+Inf' ? 1 : 1 / (1 + (1 + 20 * trouble(t)) * (0.00002 / Number(le))));
const histogramRate = ({ name, labels }, perSecond) => (t) =>
  name.endsWith('_sum') ? perSecond * 0.0001 : perSecond * (name.endsWith('_count') ? 1 : below(labels.le, t));

for (const host of [...new Set(kVms.map((vm) => vm.host))]) {
  const target = { instance: host, job: 'vmflow' };
  const here = kVms.filter((vm) => vm.host === host);
  for (const one of series) {
    const { name, type, golden, base } = one;
    if (!('vm' in one.labels)) {
      const labels = { ...one.labels, ...target };
      if (base) write(name, labels, growing(histogramRate(one, 400), golden));
      else if (type === 'counter') write(name, labels, growing((t) => hostRate(name, labels, t, golden), golden));
      else if (name === 'process_start_time_seconds') write(name, labels, (t) => (t < start + 900 ? start - 86400 : start + 900));
      else if (name === 'vmflow_scrape_collector_success') write(name, labels, () => 1);
      else write(name, labels, (t) => gauge(here.length, name, labels, t, golden));
      continue;
    }
    for (const vm of here) {
      if (!vm.all && (/nested|vcpu_info|^vmflow_vcpu_|_net_|wait_duration|vm_wakeup|interrupts/.test(name) || (name.includes('_disk_') && !vm.disk) || (name.includes('io_pending') && !vm.disk) || name === 'vmflow_trace_info'))
        continue;
      const labels = { ...one.labels, ...target, vm: vm.vm };
      if (name === 'vmflow_vm_info') Object.assign(labels, { name: vm.name, uuid: vm.name ? vm.vm : '', pid: '4711', title: vm.title ?? '', openstack_project: '', machine: '' });
      const vcpus = 'vcpu' in labels ? [...Array(vm.vcpus).keys()].map(String) : [undefined];
      for (const vcpu of vcpus) {
        if (vcpu) Object.assign(labels, { vcpu, ...(labels.tid && { tid: String(4712 + Number(vcpu)) }) });
        if (base) write(name, labels, growing(histogramRate(one, 900 * vm.vcpus), golden));
        else if (type === 'counter') write(name, labels, growing((t) => vmRate(vm, name, labels, t, golden), golden));
        else if (name === 'vmflow_trace_info')
          for (const [snapshot, from, until] of [['20261127T101500Z-000007', 600, 1100], ['20261127T102400Z-000008', 1100, Infinity]])
            write(name, { ...labels, snapshot }, (t) => (t - start >= from && t - start < until ? 1 : undefined));
        else write(name, labels, (t) => gauge(vm, name, labels, t, golden));
      }
    }
  }
}
// One host has too many VMs.
write('vmflow_series_left_out', { metric: 'vmflow_vm_halt_polls_total', instance: kVms[0].host, job: 'vmflow' }, () => 420);
write('ALERTS', { alertname: 'VmflowReadyHigh', alertstate: 'firing', severity: 'critical', instance: kVms[0].host, job: 'vmflow', vm: kVms[0].vm, name: kVms[0].name }, (t) => (trouble(t) === 1 ? 1 : undefined));
lines.push('# EOF\n');
flush(true);
