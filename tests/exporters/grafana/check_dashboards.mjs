// SPDX-License-Identifier: GPL-2.0-only
// Holds dashboards against METRICS.md, promtool, the colours of reports and vmflow's own rules for panels.
// usage: node check_dashboards.mjs SOURCE_TREE DASHBOARD...
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { filledIn, queries } from './queries.mjs';

const [tree, ...paths] = process.argv.slice(2);
const read = (path) => readFileSync(join(tree, path), 'utf8');
const failures = [];
let here = '';
const fail = (text) => failures.push(`${here}: ${text}`);
const expect = (condition, text) => condition || fail(text);

// --- what there is ---
const metrics = new Map();
const byHeading = read('exporters/METRICS.md').split(/^### `/m).slice(1);
for (const section of byHeading) {
  const [, name, type, labels] = /^(\w+)`\n(\w+), (.*?)\. /s.exec(section);
  metrics.set(name, { type, labels: [...labels.matchAll(/`(\w+)`/g)].map((label) => label[1]) });
}
const states = [...read('exporters/METRICS.md').split('## States')[1].split('## ')[0].matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);
const rulesPath = 'exporters/alerts/recording_rules.yml';
const recorded = new Set(
  existsSync(join(tree, rulesPath)) ? [...read(rulesPath).matchAll(/^\s*-?\s*record:\s*['"]?([\w:]+)/gm)].map((rule) => rule[1]) : [],
);
const kEveryTarget = ['instance', 'job'];
const kMade = ['vm_name', 'le']; // by label_replace and histograms
// Prometheus' own series of the alerts that it evaluates; it has the labels of the alert's expression, too.
metrics.set('ALERTS', { type: 'gauge', labels: ['alertname', 'alertstate', 'severity', 'vm', 'name'] });

/** The metric that a name of a series belongs to. */
function metricOf(series) {
  const metric = metrics.get(series);
  if (metric) return metric.type === 'histogram' ? undefined : metric;
  const base = metrics.get(series.replace(/_(bucket|sum|count)$/, ''));
  return base?.type === 'histogram' ? { ...base, type: 'counter' } : undefined;
}

// --- colours ---
const css = read('exporters/html/report.css');
const variables = (block) => new Map([...block.matchAll(/--(\w+): (#[0-9a-f]{6})/g)].map((found) => [found[1], found[2]]));
const dark = variables(/prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}/s.exec(css)[1]); // as Grafana is unless told otherwise
const classColours = new Map();
for (const [, selectors, variable] of css.matchAll(/((?:\.[\w-]+,?\s*)+)\{ --c: var\(--(\w+)\); \}/g))
  for (const selector of selectors.split(',')) classColours.set(selector.trim().slice(1), dark.get(variable));
const kFamilies = [
  { metric: 'vmflow_vm_vcpu_seconds_total', label: 'state', prefix: 'state-' },
  { metric: 'vmflow_vm_wait_seconds_total', label: 'reason', prefix: 'wait-' },
  { metric: 'vmflow_vm_ready_by_culprit_seconds_total', label: 'culprit', prefix: 'culprit-' },
  { metric: 'vmflow_vm_blocked_seconds_total', label: 'cause', prefix: 'block-' },
  { metric: 'vmflow_vm_nested_seconds_total', label: 'level', prefix: 'level-' },
];
const kNoSeries = ['state-unaccounted', 'wait-open', 'level-rest']; // these the report draws and no label has
const causeColours = new Map(); // the same on every dashboard

// --- PromQL ---
const kWords = new Set(
  'and or unless by without on ignoring group_left group_right offset bool start end inf nan'.split(' '),
);

/** Names of series and their selectors; everything else is taken away first. */
function series(expr) {
  const strings = [];
  let text = expr.replace(/"(?:[^"\\]|\\.)*"/g, (string) => `"${strings.push(string) - 1}"`);
  const labels = [];
  text = text.replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)/g, (whole, word, list) => {
    labels.push(...list.split(',').map((label) => label.trim()).filter(Boolean));
    return ' ';
  });
  const found = [];
  for (const match of text.matchAll(/\b([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?\s*(\[[^\]]*\])?/g)) {
    const [whole, name, selector, range] = match;
    const rest = text.slice(match.index + whole.length);
    if (kWords.has(name.toLowerCase()) || /^\s*\(/.test(rest) || /[\d"$[]$/.test(text.slice(0, match.index))) continue;
    const matchers = [...(selector ?? '').matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"(\d+)"/g)].map(([, label, operator, string]) => ({
      label,
      operator,
      value: JSON.parse(strings[string]),
    }));
    found.push({ name, matchers, range: Boolean(range) });
  }
  return { found, labels };
}

function checkSeries(where, expr) {
  const withoutRanges = expr.replace(/\[[^\]]*\]/g, '[5m]').replace(/@ end\(\)/g, '').replace(/offset \w+/g, '');
  const { found, labels } = series(withoutRanges);
  expect(found.length > 0, `${where}: no metric`);
  const known = new Set([...kEveryTarget, ...kMade]);
  for (const { name, matchers, range } of found) {
    if (recorded.has(name)) continue;
    const metric = metricOf(name);
    if (!metric) {
      fail(`${where}: ${name} is not in METRICS.md`);
      continue;
    }
    metric.labels.forEach((label) => known.add(label));
    if (metric.type === 'counter') expect(range, `${where}: ${name} is a counter and needs rate() or increase()`);
    else expect(!range || /_time/.test(name), `${where}: ${name} is a gauge with a range`); // changes() of a start is meant
    for (const { label, value } of matchers) {
      const may = [...metric.labels, ...kEveryTarget, ...(name.endsWith('_bucket') ? ['le'] : [])];
      expect(may.includes(label), `${where}: ${name} has no label ${label}`);
      if (label === 'state') value.split('|').forEach((state) => expect(states.includes(state), `${where}: there is no state ${state}`));
    }
  }
  if (!found.some(({ name }) => recorded.has(name)))
    labels.forEach((label) => expect(known.has(label), `${where}: no metric here has the label ${label}`));
  return { names: found.map(({ name }) => name), known };
}

// --- panels ---
function checkPanel(panel, name) {
  expect(panel.title?.length > 0, `${name}: no title`);
  if (panel.type === 'row') return;
  expect(panel.description?.length >= 20, `${name}: no description`);
  if (panel.type === 'text') return;
  const { defaults, overrides } = panel.fieldConfig;
  expect(defaults.unit?.length > 0, `${name}: no unit`);
  expect(defaults.noValue?.length > 0 && !/no data/i.test(defaults.noValue), `${name}: no noValue`);
  expect(panel.datasource.uid === '${datasource}', `${name}: a fixed data source`);
  expect(panel.targets.length > 0, `${name}: no query`);
  const refs = panel.targets.map((target) => target.refId);
  expect(new Set(refs).size === refs.length, `${name}: two queries of one name`);
  for (const target of panel.targets) {
    expect(target.legendFormat?.length > 0 && target.legendFormat !== '__auto', `${name}: no legend`);
    expect(target.instant !== target.range, `${name}: neither instant nor a range`);
    if (target.range) expect(!/\[\d+[smhd]\]/.test(target.expr), `${name}: a fixed window instead of $__rate_interval`);
  }
  if (panel.type !== 'table') return;
  // Every column has a name that somebody chose, and every override is of a column.
  const { renameByName, excludeByName } = panel.transformations.find(({ id }) => id === 'organize').options;
  panel.targets.forEach((target) => {
    const column = panel.targets.length > 1 ? `Value #${target.refId}` : 'Value';
    expect(renameByName[column] || excludeByName[column], `${name}: the column ${column} has no name`);
  });
  for (const { matcher } of overrides)
    expect(Object.values(renameByName).includes(matcher.options), `${name}: no column ${matcher.options}`);
  for (const { displayName } of panel.options.sortBy ?? [])
    expect(Object.values(renameByName).includes(displayName), `${name}: sorted by ${displayName}, which is no column`);
}

function checkColours(panel, name, names) {
  const fixed = new Map();
  for (const { matcher, properties } of panel.fieldConfig.overrides)
    for (const { id, value } of properties) if (id === 'color') fixed.set(matcher.options, value.fixedColor);
  if (panel.type === 'table' || panel.type === 'heatmap') return;
  for (const { metric, label, prefix } of kFamilies) {
    if (!names.includes(metric) || !panel.targets.some((target) => target.legendFormat === `{{${label}}}` && target.expr.includes(metric)))
      continue;
    for (const [selector, colour] of classColours)
      if (selector.startsWith(prefix) && !kNoSeries.includes(selector)) {
        const value = selector.slice(prefix.length);
        expect(fixed.get(value) === colour, `${name}: ${value} is ${fixed.get(value)}, in reports ${colour}`);
      }
  }
  if (names.includes('vmflow_vm_slowdown_seconds_total'))
    for (const [cause, colour] of fixed) {
      if (!causeColours.has(cause)) causeColours.set(cause, colour);
      expect(causeColours.get(cause) === colour, `${name}: ${cause} is ${colour}, elsewhere ${causeColours.get(cause)}`);
    }
}

function checkGrid(panels) {
  const cells = new Map();
  for (const { id, gridPos } of panels)
    for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        expect(x < 24, `panel ${id} is wider than the page`);
        expect(!cells.has(`${x},${y}`), `panels ${cells.get(`${x},${y}`)} and ${id} overlap`);
        cells.set(`${x},${y}`, id);
      }
  const bottom = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const holes = bottom * 24 - cells.size;
  expect(holes === 0, `${holes} of ${bottom * 24} cells of the page are empty`);
}

function checkVariables(dashboard, text) {
  const defined = dashboard.templating.list.map((variable) => variable.name);
  for (const name of defined)
    expect(new RegExp(`\\$(${name}\\b|\\{${name}[:}])`).test(text), `the variable ${name} is not used`);
  for (const [, name] of text.matchAll(/\$\{?([a-zA-Z]\w*)/g))
    expect(defined.includes(name), `there is no variable ${name}`);
}

function checkLinks(text, dashboards) {
  for (const [, uid] of text.matchAll(/\/d\/([\w-]+)/g))
    expect(dashboards.some((dashboard) => dashboard.uid === uid), `a link to ${uid}, which is no dashboard`);
  for (const [, uid, query] of text.matchAll(/\/d\/([\w-]+)\?([^"]*)/g)) {
    const there = dashboards.find((dashboard) => dashboard.uid === uid)?.templating.list.map((variable) => variable.name) ?? [];
    for (const [, name] of query.matchAll(/var-(\w+)=/g)) expect(there.includes(name), `a link sets ${name}, which ${uid} has not`);
  }
}

// --- all of it ---
const dashboards = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')));
const groups = [];
let panelCount = 0;
dashboards.forEach((dashboard, index) => {
  here = basename(paths[index]);
  const text = JSON.stringify(dashboard);
  expect(!('id' in dashboard), 'has an id of one Grafana');
  const ids = dashboard.panels.map((panel) => panel.id);
  expect(new Set(ids).size === ids.length, 'two panels of one id');
  checkGrid(dashboard.panels);
  checkVariables(dashboard, text);
  checkLinks(text, dashboards);
  dashboard.panels.forEach((panel) => checkPanel(panel, `panel ${panel.id} (${panel.title})`));
  panelCount += dashboard.panels.filter((panel) => panel.type !== 'row').length;
  const rules = [];
  for (const { where, expr, panel, target } of queries(dashboard)) {
    const { names, known } = checkSeries(where, expr);
    if (panel) checkColours(panel, where, names);
    for (const [, label] of (target?.legendFormat ?? '').matchAll(/\{\{(\w+)\}\}/g))
      expect(known.has(label), `${where}: the legend's ${label} is no label`);
    const filled = filledIn(expr, { host: '.*', vm: 'x', top: '10', __rate_interval: '1m', __range: '30m', __interval: '10s' });
    rules.push({ record: `query:${rules.length}`, expr: filled, where });
  }
  groups.push({ name: here, rules });
});
expect(new Set(dashboards.map((dashboard) => dashboard.uid)).size === dashboards.length, 'two dashboards of one uid');

// promtool says of a rule by its number what it does not understand; JSON is YAML.
const scratch = mkdtempSync(join(tmpdir(), 'vmflow-dashboards-'));
let queryCount = 0;
for (const { name, rules } of groups) {
  here = name;
  queryCount += rules.length;
  const file = join(scratch, 'rules.yml');
  writeFileSync(file, JSON.stringify({ groups: [{ name, rules: rules.map(({ record, expr }) => ({ record, expr })) }] }));
  const promtool = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  if (promtool.error) fail(`promtool: ${promtool.error.message}`);
  else if (promtool.status !== 0) {
    const said = `${promtool.stdout}${promtool.stderr}`;
    for (const [, number, what] of said.matchAll(/rule (\d+), "[^"]*": (.*)/g)) fail(`${rules[number - 1].where}: ${what}`);
    if (!/rule \d+, "/.test(said)) fail(said);
  }
}
rmSync(scratch, { recursive: true });

failures.forEach((text) => console.log(`FAIL: ${text}`));
console.log(`${dashboards.length} dashboards, ${panelCount} panels, ${queryCount} queries, ${metrics.size - 1} metrics, ${recorded.size} recording rules`);
process.exit(failures.length ? 1 : 0);
