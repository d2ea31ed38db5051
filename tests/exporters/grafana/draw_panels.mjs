// SPDX-License-Identifier: GPL-2.0-only
// Draws a dashboard's panels from what a Prometheus answers, as Grafana would ask it, into one page.
// usage: node draw_panels.mjs URL DASHBOARD PAGE [vm=NAME] [host=REGEX] [end=SECONDS] [minutes=30] [require=data|nothing]
// A query without an answer is told; with require=data it is a failure, with nothing no word. One that Prometheus refuses always is.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ask } from './prometheus.mjs';
import { filledIn, queries } from './queries.mjs';
import { pageHtml, panelHtml } from './panel_html.mjs';

const [url, path, page, ...settings] = process.argv.slice(2);
const set = Object.fromEntries(settings.map((setting) => setting.split('=', 2)));
const dashboard = JSON.parse(readFileSync(path, 'utf8'));
const kPageWidth = 1256; // 1280 less a scroll bar and margins
const end = Math.floor(Number(set.end ?? Date.now() / 1000) / 15) * 15;
const minutes = Number(set.minutes ?? 30);
const range = { start: end - minutes * 60, end, step: Math.max(15, Math.ceil((minutes * 60) / 600)), marks: [] };
const failures = [];

const legend = (format, labels) => format.replace(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? '');

// --- variables ---
const values = { __rate_interval: '60s', __interval: '15s', __range: `${minutes * 60}s`, host: set.host ?? '.*' };
for (const variable of dashboard.templating.list) if (variable.type === 'custom') values[variable.name] = variable.current.value;
let chosen = `host ${values.host}`;
const byName = dashboard.templating.list.find((variable) => variable.name === 'vm');
if (byName) {
  const { expr } = queries(dashboard).find(({ variable }) => variable === byName);
  const pattern = new RegExp(byName.regex.replace(/^\/|\/$/g, ''));
  // As Grafana makes one text of each result, from which it takes name and value.
  const found = (await ask(url, 'query', { query: filledIn(expr, values), time: end })).map(({ metric, value }) => {
    const text = `{${Object.entries(metric).map(([label, of]) => `${label}="${of}"`).join(',')}} ${value[1]} ${value[0] * 1000}`;
    return pattern.exec(text)?.groups;
  });
  const one = found.find((vm) => vm && (!set.vm || vm.text === set.vm));
  if (!one) throw new Error(`no VM ${set.vm ?? ''} among ${found.map((vm) => vm?.text).join(', ')}`);
  values.vm = one.value;
  chosen = `VM ${one.text} of ${found.map((vm) => vm.text).sort().join(', ')}; ${chosen}`;
}

// --- queries ---
for (const annotation of dashboard.annotations.list) {
  const found = await ask(url, 'query_range', { query: filledIn(annotation.target.expr, values), start: range.start, end, step: 10 });
  if (!found.length) failures.push(`annotation ${annotation.name}: no data`);
  for (const { metric, values: points } of found) range.marks.push({ t: points[0][0], text: `${legend(annotation.titleFormat, metric)} ${legend(annotation.textFormat, metric)}` });
}
const parts = [];
let asked = 0;
for (const panel of dashboard.panels) {
  const all = [];
  for (const target of panel.targets ?? []) {
    const query = filledIn(target.expr, values);
    asked += 1;
    try {
      const found = target.instant ? await ask(url, 'query', { query, time: end }) : await ask(url, 'query_range', { query, start: range.start, end, step: range.step });
      if (!found.length) failures.push(`panel ${panel.id} (${panel.title}) ${target.refId}: no data`);
      for (const { metric, value, values: points } of found) {
        const numbers = (points ?? [value]).map(([t, number]) => [t, Number(number)]).filter(([, number]) => Number.isFinite(number));
        if (numbers.length) all.push({ refId: target.refId, name: legend(target.legendFormat, metric), labels: metric, values: numbers });
      }
      const names = found.map(({ metric }) => legend(target.legendFormat, metric));
      if (target.format !== 'table' && new Set(names).size < names.length) failures.push(`panel ${panel.id} (${panel.title}) ${target.refId}: two series of one legend`);
    } catch (error) {
      console.log(`FAIL: ${basename(path)}: panel ${panel.id} (${panel.title}) ${target.refId}: ${error.message}\n  ${query}`);
      process.exitCode = 1;
    }
  }
  parts.push(panelHtml(panel, all, range, kPageWidth));
}
writeFileSync(page, pageHtml(dashboard, chosen, parts, kPageWidth));
const rows = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
if (set.require !== 'nothing') for (const text of failures) console.log(`${set.require === 'data' ? 'FAIL' : 'empty'}: ${basename(path)}: ${text}`);
if (set.require === 'data' && failures.length) process.exitCode = 1;
console.log(`${basename(path)}: ${asked} queries, ${range.marks.length} marks, height ${rows * 38 + 90}`);
