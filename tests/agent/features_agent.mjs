// SPDX-License-Identifier: GPL-2.0-only
// A made-up vmflowd and a made-up Prometheus in one: prints its port. Paths below /api/v1/counters and query_range.
// usage: node features_agent.mjs MODE; MODE is good, none (no VM), half (some queries fail), bad (all do)
import { createServer } from 'node:http';

const mode = process.argv[2];
const states = ['guest', 'guest_nested', 'kvm', 'vmm', 'halt_poll', 'halted', 'ready', 'throttled', 'vmm_blocked', 'paused', 'unaccounted'];
let looks = 0;

function counters() {
  const seconds = 100 + looks++;
  const times = Object.fromEntries(states.map((state) => [`time_${state}`, state === 'halted' ? seconds * 0.75 : state === 'guest' ? seconds * 0.25 : 0]));
  const vm = { id: 'u-1', name: 'web,1', pid: 7, start_time_unix_seconds: 5, counters: { ...times, exits: 100 * seconds } };
  return { version: 1, monotonic_seconds: seconds, vms: mode === 'none' ? [] : [vm] };
}

function query(params) {
  const promql = params.get('query');
  const at = Number(params.get('start'));
  if (mode === 'bad' || (mode === 'half' && promql.includes('vmflow_vm_exits_total'))) return [422, { status: 'error', errorType: 'execution', error: 'no' }];
  const point = (labels, value) => ({ metric: { instance: 'host7:9752', vm: 'u-1', ...labels }, values: [[at, String(value)]] });
  let result = [];
  if (promql.includes('vmflow_vm_vcpu_seconds_total')) result = [point({ state: 'guest' }, 15), point({ state: 'halted' }, 45)];
  if (promql.includes('vmflow_vm_info')) result = [point({ name: 'web,1' }, 1)];
  if (mode === 'none') result = [];
  return [200, { status: 'success', data: { resultType: 'matrix', result } }];
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const [status, json] = url.pathname === '/api/v1/query_range' ? query(url.searchParams) : url.pathname === '/api/v1/counters' ? [200, counters()] : [404, {}];
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(json));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
