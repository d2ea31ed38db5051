// SPDX-License-Identifier: GPL-2.0-only
// An agent for tests of vmflow top: its API on loopback, with counters that rise as time goes by.
// usage: top_agent.mjs STEERING [PORT]; prints the port. STEERING is a JSON file that is read again for each answer:
//   {"gone": ["vm-c"], "many": 1000}: VMs that have left, and how many idle ones there are beside the five
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';

const [steering, wantedPort] = process.argv.slice(2);
const began = process.hrtime.bigint();
const elapsed = () => Number((process.hrtime.bigint() - began) / 1000n) / 1e6;

// Shares of a vCPU's time by state, and of its halted time by what ended it. Source of the shape: exporters/api_json.cpp.
const states = ['guest', 'guest_nested', 'kvm', 'vmm', 'halt_poll', 'halted', 'ready', 'throttled', 'vmm_blocked', 'paused'];
const reasons = ['timer', 'disk', 'net', 'task', 'memory', 'device', 'passthrough', 'unknown'];
const five = [
  { id: 'vm-a', name: 'web-1', vcpus: 2, is: { guest: 0.5, ready: 0.4, kvm: 0.1 }, exits: 120, cause: 'colocated_vm', by: 'vm-b' },
  { id: 'vm-b', name: 'batch-1', vcpus: 4, is: { guest: 0.9, ready: 0.1 }, exits: 98, cause: 'own_load', by: 'vm-a' },
  { id: 'vm-c', name: 'storm', vcpus: 1, is: { guest: 0.3, kvm: 0.6, vmm: 0.08, ready: 0.02 }, exits: 9854, cause: 'own_load' },
  { id: 'vm-d', name: 'db-日本語', vcpus: 2, is: { halted: 0.8, vmm_blocked: 0.1, guest: 0.1 }, ends: { disk: 0.75, timer: 0.25 }, exits: 800, cause: 'platform' },
  { id: 'vm-e', name: 'evil\u001b[2J\u0007\u202e' + 'x'.repeat(300), vcpus: 1, is: { halted: 0.99, guest: 0.01 }, ends: { timer: 1 }, exits: 18, cause: 'nothing' },
];

const steered = () => JSON.parse(readFileSync(steering, 'utf8'));

function vms() {
  const { gone = [], many = 0 } = steered();
  const idle = Array.from({ length: many }, (_, i) => ({
    id: `idle-${String(i).padStart(4, '0')}`, name: `idle-${String(i).padStart(4, '0')}`, vcpus: 1,
    is: { halted: 1 }, ends: { timer: 1 }, exits: 10, cause: 'nothing' }));
  return [...five, ...idle].filter((vm) => !gone.includes(vm.id));
}

const split = (names, shares, seconds) => Object.fromEntries(names.map((name) => [name, (shares?.[name] ?? 0) * seconds]));

function culprit(vm, seconds) {
  const by = five.find((other) => other.id === vm.by);
  if (!by) return null;
  return { kind: 'other_vm', id: by.id, name: by.name, pid: 200, seconds: vm.is.ready * vm.vcpus * seconds };
}

function summary(vm, t) {
  return { id: vm.id, name: vm.name, uuid: '', vmm: 'qemu', pid: 100, start_time_unix_seconds: 1700000000,
    vcpu_count: vm.vcpus, seconds: split(states, vm.is, vm.vcpus * t), unaccounted_seconds: 0 };
}

const sentence = (vm) => `The cause is ${vm.cause}: so says a made-up verdict.`;

function row(vm, t) {
  return { ...summary(vm, t), wait_seconds: split(reasons, vm.ends, (vm.is.halted ?? 0) * vm.vcpus * t),
    exit_count: Math.floor(vm.exits * t),
    verdict: { cause: vm.cause, seconds: 1, share: 0.4, sentence: sentence(vm), culprit: culprit(vm, Math.min(t, 60) + 10) } };
}

function whole(vm, t) {
  const { wait_seconds } = row(vm, t);
  return { ...summary(vm, t), monotonic_seconds: t, wait_seconds, blocked_seconds: { memory: 0, io: (vm.is.vmm_blocked ?? 0) * vm.vcpus * t, lock: 0, other: 0 },
    exits: { cpuid: { count: Math.floor(vm.exits * t), seconds: (vm.is.kvm ?? 0) * vm.vcpus * t }, intr: { count: Math.floor(7 * t), seconds: 0.001 * t } },
    vcpus: Array.from({ length: vm.vcpus }, (_, i) => ({ vcpu: i, tid: 1000 + i, seconds: split(states, vm.is, t), unaccounted_seconds: 0 })) };
}

function answer(path, t) {
  if (path === '/api/v1/vms') return { monotonic_seconds: t, vms: vms().map((vm) => row(vm, t)) };
  const [, id, part] = /^\/api\/v1\/vms\/([^/]+)(\/[a-z]+)?$/.exec(path) ?? [];
  const vm = vms().find((one) => one.id === decodeURIComponent(id ?? ''));
  if (!vm) return null;
  if (part === undefined) return whole(vm, t);
  const named = { id: vm.id, name: vm.name };
  const held = culprit(vm, t);
  if (part === '/culprits')
    return { ...named, culprits: held ? [{ victim: named, culprit: held, seconds: held.seconds }] : [] };
  if (part === '/verdict') return { ...named, cause: vm.cause, sentence: sentence(vm) };
  if (part === '/processes')
    return { ...named, window_seconds: 10, processes: vm.id === 'vm-a' ? [{ process: 'cr3:1a2b3000', guest_seconds: 4 }] : [],
      ...(vm.id === 'vm-a' ? {} : { why: 'no registers of this VM were recorded' }) };
  return null;
}

const server = createServer((request, response) => {
  const json = answer(request.url, elapsed());
  response.writeHead(json ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ version: 1, ...(json ?? { error: 'no such VM or path' }) }));
});
server.listen(Number(wantedPort ?? 0), '127.0.0.1', () => console.log(server.address().port));
