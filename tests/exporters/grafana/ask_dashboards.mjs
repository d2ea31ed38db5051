// SPDX-License-Identifier: GPL-2.0-only
// Asks a Prometheus, which holds what a lab's has stored, every query of dashboards and every rule: each has an answer, at some time
// and for some VM. A query with $vm is asked for one VM after another, until there is an answer.
// usage: node ask_dashboards.mjs URL RULES DASHBOARD...
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ask } from './prometheus.mjs';
import { filledIn, queries } from './queries.mjs';

const [url, rules, ...paths] = process.argv.slice(2);
const failures = [];

/** The first and the last second of what is stored. */
async function stored() {
  const { minTime, numSeries } = (await (await fetch(`${url}/api/v1/status/tsdb`)).json()).data.headStats ?? {};
  const now = Math.floor(Date.now() / 1000);
  const up = await ask(url, 'query', { query: 'max_over_time(timestamp(up)[3h:5s])', time: now });
  const end = Math.max(...up.map(({ value }) => Number(value[1])));
  return { start: Math.floor(minTime / 1000), end: Math.ceil(end), series: numSeries };
}
const { start, end, series } = await stored();
const hasNumbers = (result) => result.some(({ values }) => values.some(([, number]) => Number.isFinite(Number(number))));
const answered = async (query) => hasNumbers(await ask(url, 'query_range', { query, start, end, step: 5 }));

console.log(`${series} series of ${end - start} s`);
const infos = await ask(url, 'query_range', { query: 'vmflow_vm_info{vm!="made-up"}', start, end, step: 5 });
const vms = infos.map(({ metric }) => ({ vm: metric.vm, name: metric.name || metric.vm }));
const fixed = { __rate_interval: '20s', __interval: '5s', __range: '60s', host: '.*', top: '5' };

for (const path of paths) {
  const by = new Map();
  let asked = 0;
  for (const { where, expr, variable } of queries(JSON.parse(readFileSync(path, 'utf8')))) {
    asked += 1;
    let found;
    if (!/\$\{?vm\b/.test(expr)) found = (await answered(filledIn(expr, fixed))) && 'host';
    else for (const { vm, name } of vms) if (!found && (await answered(filledIn(expr, { ...fixed, vm })))) found = name;
    if (!found) failures.push(`${basename(path)}, ${where}: no answer${variable ? ' (a variable)' : ''}`);
    else by.set(found, (by.get(found) ?? 0) + 1);
  }
  console.log(`${basename(path)}: ${asked} queries; answered for ${[...by].map(([name, count]) => `${name} ${count}`).join(', ')}`);
}

const text = readFileSync(rules, 'utf8');
const records = [...text.matchAll(/- record: *(\S+)/g)].map(([, name]) => name);
for (const name of records) if (!(await answered(name))) failures.push(`recording rule ${name}: nothing recorded`);
console.log(`${records.length} recording rules, all with data: ${!failures.some((failure) => failure.startsWith('recording'))}`);

// An alert of two severities is two rules; Prometheus keeps no number of the rule, but the severity.
const alerts = [...text.matchAll(/- alert: *(\S+)[\s\S]*?severity: *(\w+)/g)].map(([, name, severity]) => ({ name, severity }));
for (const { name, severity } of alerts) {
  const fired = await ask(url, 'query_range', { query: `ALERTS{alertname="${name}",severity="${severity}",alertstate="firing"}`, start, end, step: 5 });
  const whose = [...new Set(fired.map(({ metric }) => metric.name || metric.vm || metric.instance))];
  console.log(`${name} (${severity}): ${whose.join(', ')}`);
  if (!whose.length) failures.push(`alert ${name} (${severity}): never fired`);
}
for (const failure of failures) console.log(`FAIL ${failure}`);
process.exit(failures.length ? 1 : 0);
