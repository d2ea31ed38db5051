// SPDX-License-Identifier: GPL-2.0-only
// Panels of a dashboard as plain HTML and SVG: near enough to Grafana's to judge units, legends, colours and sizes.

const kPalette = ['#7eb26d', '#eab839', '#6ed0e0', '#ef843c', '#e24d42', '#1f78c1', '#ba43a9', '#705da0', '#508642', '#cca300', '#447ebc', '#c15c17', '#890f02', '#0a437c'];
const escaped = (text) => String(text).replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);

// --- numbers ---
const digits = (value, decimals) => value.toFixed(decimals ?? (Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2));
function scaled(value, steps, decimals) {
  const [size, name] = steps.find(([least]) => Math.abs(value) >= least) ?? steps.at(-1);
  return `${digits(value / size, decimals)}${name}`;
}
const kThousands = [[1e9, ' G'], [1e6, ' M'], [1e3, ' K'], [1, '']];
const kRates = { ops: ' ops/s', eps: ' evt/s', iops: ' io/s', pps: ' p/s' };

/** `value` as Grafana would write it. */
export function written(value, unit, decimals) {
  if (value === undefined || value === null || Number.isNaN(value)) return '';
  if (typeof value === 'string') return value;
  if (unit === 'percentunit') return `${digits(value * 100, decimals ?? 1)} %`;
  if (unit === 's') return value === 0 ? '0 s' : scaled(value, [[1, ' s'], [1e-3, ' ms'], [1e-6, ' µs'], [1e-9, ' ns']], decimals);
  if (unit.startsWith('suffix:')) return `${digits(value, decimals)}${unit.slice(7)}`;
  if (unit === 'bytes') return scaled(value, [[2 ** 30, ' GiB'], [2 ** 20, ' MiB'], [2 ** 10, ' KiB'], [1, ' B']], decimals);
  if (unit === 'Bps') return scaled(value, [[1e9, ' GB/s'], [1e6, ' MB/s'], [1e3, ' kB/s'], [1, ' B/s']], decimals);
  if (unit === 'dateTimeAsIso') return new Date(value).toISOString().replace('T', ' ').slice(0, 19);
  if (unit === 'string') return String(value);
  const number = Math.abs(value) < 1 ? String(Number(value.toPrecision(3))) : scaled(value, kThousands, decimals);
  return `${number}${kRates[unit] ?? ''}`;
}
const shown = (value, { mappings, unit, decimals }) =>
  mappings?.map(({ options }) => options[String(value)]?.text).find(Boolean) ?? written(value, unit, decimals);
const byThreshold = (value, thresholds) => thresholds.steps.filter((step) => step.value === null || value >= step.value).at(-1).color.replace(/^text$/, '#ccccdc');

/** Colour of a series: fixed by the panel, or the next of the palette. */
function colourOf(panel, name, index) {
  const fixed = panel.fieldConfig.overrides.find(({ matcher }) => matcher.options === name)?.properties.find(({ id }) => id === 'color');
  if (fixed) return fixed.value.fixedColor;
  return kPalette[index % kPalette.length];
}

// --- time series ---
function timeseries(panel, all, range, width, height) {
  const { defaults } = panel.fieldConfig;
  const stacked = defaults.custom.stacking.mode !== 'none';
  const right = panel.options.legend.placement === 'right';
  const legendHeight = right ? height : Math.min(18 + 17 * all.length, Math.floor(height * 0.4)); // the rest scrolls
  const w = right ? width - 330 : width;
  const h = right ? height : height - legendHeight;
  const sums = new Map();
  const drawn = all.map((one, index) => ({
    ...one,
    colour: colourOf(panel, one.name, index),
    points: one.values.map(([t, value]) => {
      const under = stacked ? (sums.get(t) ?? 0) : 0;
      if (stacked) sums.set(t, under + value);
      return [t, under, under + value];
    }),
  }));
  const limits = defaults.custom.thresholdsStyle.mode === 'off' ? [] : defaults.thresholds.steps.filter((step) => step.value !== null);
  const top = defaults.max ?? (Math.max(...drawn.flatMap(({ points }) => points.map((point) => point[2])), 0) * 1.06 || 1);
  const left = 74;
  const x = (t) => left + ((t - range.start) / (range.end - range.start)) * (w - left - 8);
  const y = (value) => 6 + (1 - Math.min(value, top) / top) * (h - 26);
  const step = niceStep(top / Math.max(2, Math.floor(h / 42)));
  let svg = '';
  for (let tick = 0; tick <= top * 1.0001; tick += step)
    svg += `<line class="grid" x1="${left}" x2="${w - 8}" y1="${y(tick)}" y2="${y(tick)}"/><text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${written(tick, defaults.unit, step < 0.01 && defaults.unit === 'percentunit' ? 2 : defaults.unit === 'percentunit' ? 0 : undefined)}</text>`;
  for (let t = Math.ceil(range.start / 300) * 300; t <= range.end; t += 300)
    svg += `<text x="${x(t)}" y="${h - 4}" text-anchor="middle">${new Date(t * 1000).toISOString().slice(11, 16)}</text>`;
  for (const mark of range.marks) svg += `<line class="mark" x1="${x(mark.t)}" x2="${x(mark.t)}" y1="4" y2="${h - 18}"><title>${escaped(mark.text)}</title></line>`;
  for (const { points, colour } of drawn) {
    if (!points.length) continue;
    const upper = points.map(([t, , value]) => `${x(t).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const lower = [...points].reverse().map(([t, under]) => `${x(t).toFixed(1)},${y(under).toFixed(1)}`).join(' ');
    svg += `<polygon points="${upper} ${lower}" fill="${colour}" fill-opacity="${defaults.custom.fillOpacity / 100}"/>`;
    if (defaults.custom.lineWidth) svg += `<polyline points="${upper}" stroke="${colour}" fill="none" stroke-width="1.3"/>`;
  }
  for (const { value, color } of limits)
    if (value <= top) svg += `<line class="limit" stroke="${color}" x1="${left}" x2="${w - 8}" y1="${y(value)}" y2="${y(value)}"/>`;
  const legend = drawn
    .map(({ name, colour, values }) => {
      const numbers = values.map(([, value]) => value).filter((value) => Number.isFinite(value));
      return { name, colour, mean: numbers.reduce((a, b) => a + b, 0) / (numbers.length || 1), max: Math.max(...numbers) };
    })
    .sort((a, b) => b.mean - a.mean)
    .map(({ name, colour, mean, max }) => `<tr><td><i style="background:${colour}"></i>${escaped(name)}</td><td>${written(mean, defaults.unit, defaults.decimals)}</td><td>${written(max, defaults.unit, defaults.decimals)}</td></tr>`);
  return `<div class="${right ? 'beside' : ''}"><svg width="${w}" height="${h}">${svg}</svg><div class="legend" style="max-height:${legendHeight}px"><table><tr><th>Name</th><th>Mean</th><th>Max</th></tr>${legend.join('')}</table></div></div>`;
}
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
}

// --- the others ---
function stat(panel, all, range, width, height) {
  const { defaults } = panel.fieldConfig;
  const values = all[0].values;
  const last = values.at(-1)[1];
  const colour = byThreshold(last, defaults.thresholds);
  const top = Math.max(...values.map(([, value]) => value)) || 1;
  const line = values.map(([t, value]) => `${(((t - range.start) / (range.end - range.start)) * width).toFixed(1)},${(38 - (34 * value) / top).toFixed(1)}`);
  const spark = panel.options.graphMode === 'area' && values.length > 1 ? `<svg class="spark" width="${width}" height="40"><polyline points="${line.join(' ')}" fill="none" stroke="${colour}" opacity=".5"/></svg>` : '';
  return `<div class="stat" style="color:${colour};height:${height}px">${escaped(shown(last, defaults))}${spark}</div>`;
}

function bargauge(panel, all, range, width, height) {
  const { defaults } = panel.fieldConfig;
  const rows = all.map(({ name, values }) => ({ name, value: values.at(-1)[1] }));
  const top = defaults.max ?? (Math.max(...rows.map(({ value }) => value)) || 1);
  const each = Math.max(16, Math.min(40, Math.floor(height / rows.length) - 4));
  return rows
    .map(({ name, value }, index) => {
      const colour = panel.fieldConfig.overrides.length ? colourOf(panel, name, index) : byThreshold(value, defaults.thresholds);
      return `<div class="bar" style="height:${each}px"><span class="name" title="${escaped(name)}">${escaped(name)}</span><span class="track"><b style="width:${(100 * value) / top}%;background:${colour}"></b></span><span class="value" style="color:${colour}">${escaped(shown(value, defaults))}</span></div>`;
    })
    .join('');
}

function heatmap(panel, all, range, width, height) {
  const buckets = panel.targets[0].format === 'heatmap';
  let rows = all;
  if (buckets) { // Prometheus' buckets hold all that is below them
    const ordered = [...all].sort((a, b) => Number(a.labels.le.replace('+Inf', 'Infinity')) - Number(b.labels.le.replace('+Inf', 'Infinity')));
    rows = ordered.map((one, i) => {
      const under = new Map(ordered[i - 1]?.values);
      return { ...one, name: one.labels.le === '+Inf' ? '∞' : written(Number(one.labels.le), panel.options.yAxis.unit), values: one.values.map(([t, value]) => [t, Math.max(0, value - (under.get(t) ?? 0))]) };
    });
  }
  const left = buckets ? 74 : 110;
  const each = (height - 20) / rows.length;
  const most = panel.options.color.max ?? (Math.max(...rows.flatMap(({ values }) => values.map(([, value]) => value))) || 1);
  const x = (t) => left + ((t - range.start) / (range.end - range.start)) * (width - left - 8);
  const cell = ((width - left - 8) * range.step) / (range.end - range.start);
  let svg = '';
  rows.forEach(({ name, values }, i) => {
    const y = height - 20 - (i + 1) * each;
    svg += `<text x="${left - 6}" y="${y + each / 2 + 4}" text-anchor="end">${escaped(name)}</text>`;
    for (const [t, value] of values) if (value > 1e-9) svg += `<rect x="${x(t).toFixed(1)}" y="${(y + 0.5).toFixed(1)}" width="${Math.max(1, cell - 0.5).toFixed(1)}" height="${Math.max(1, each - 1).toFixed(1)}" fill="#f0702a" fill-opacity="${Math.sqrt(value / most).toFixed(2)}"/>`;
  });
  for (let t = Math.ceil(range.start / 300) * 300; t <= range.end; t += 300) svg += `<text x="${x(t)}" y="${height - 4}" text-anchor="middle">${new Date(t * 1000).toISOString().slice(11, 16)}</text>`;
  return `<svg width="${width}" height="${height}">${svg}</svg>`;
}

function table(panel, all, range, width, height) {
  const { renameByName, excludeByName } = panel.transformations.find(({ id }) => id === 'organize').options;
  const many = panel.targets.length > 1;
  const fields = new Set();
  const rows = new Map(); // Grafana's merge: rows whose common fields are equal become one
  for (const { refId, labels, values } of all) {
    const shared = Object.entries(labels).filter(([label]) => label !== '__name__');
    const key = [...rows.keys()].find((known) => shared.every(([label, value]) => (rows.get(known)[label] ?? value) === value)) ?? JSON.stringify(shared);
    rows.set(key, { ...rows.get(key), ...Object.fromEntries(shared), [many ? `Value #${refId}` : 'Value']: values.at(-1)[1] });
    Object.keys(rows.get(key)).forEach((field) => fields.add(field));
  }
  const columns = Object.keys(renameByName).filter((field) => fields.has(field) && !excludeByName[field]);
  const strays = [...fields].filter((field) => !columns.includes(field) && !excludeByName[field]);
  const sort = panel.options.sortBy[0];
  const byField = sort && Object.keys(renameByName).find((field) => renameByName[field] === sort.displayName);
  const ordered = [...rows.values()].sort((a, b) => (byField ? (b[byField] ?? -1) - (a[byField] ?? -1) : 0));
  const property = (field, id) => panel.fieldConfig.overrides.find(({ matcher }) => matcher.options === renameByName[field])?.properties.find((one) => one.id === id)?.value;
  const cell = (row, field) => {
    const value = row[field];
    const limits = property(field, 'thresholds');
    const text = escaped(written(value, property(field, 'unit') ?? (field.startsWith('Value') ? panel.fieldConfig.defaults.unit : 'string'), property(field, 'decimals')));
    return `<td${limits && value !== undefined ? ` style="color:${byThreshold(value, limits)}"` : ''}>${property(field, 'links') ? `<u>${text}</u>` : text}</td>`;
  };
  if (strays.length) throw new Error(`columns that nobody named: ${strays.join(', ')}`);
  return `<div class="rows" style="max-height:${height}px"><table><tr>${columns.map((field) => `<th>${escaped(renameByName[field])}</th>`).join('')}</tr>${ordered.map((row) => `<tr>${columns.map((field) => cell(row, field)).join('')}</tr>`).join('')}</table></div>`;
}

const text = (panel) => `<div class="text">${escaped(panel.options.content).split('\n\n').map((part) => `<p>${part.replace(/\*\*(.+?)\*\*/g, '<b>$1</b>').replace(/\*(.+?)\*/g, '<em>$1</em>')}</p>`).join('')}</div>`;

const kDrawn = { timeseries, stat, bargauge, heatmap, table };

/** One panel at its place; `all` are its series, in the order of the queries. */
export function panelHtml(panel, all, range, pageWidth) {
  const { x, y, w, h } = panel.gridPos;
  const place = `grid-column:${x + 1}/span ${w};grid-row:${y + 1}/span ${h}`;
  if (panel.type === 'row') return `<h2 style="${place}">${escaped(panel.title)}</h2>`;
  const width = Math.floor((pageWidth + 8) / 24) * w - 8 - 18;
  const height = h * 38 - 8 - 42;
  const body = panel.type === 'text' ? text(panel) : all.length ? kDrawn[panel.type](panel, all, range, width, height) : `<div class="empty">${escaped(panel.fieldConfig.defaults.noValue)}</div>`;
  return `<section style="${place}" title="${escaped(panel.description)}"><h3>${escaped(panel.title)}</h3>${body}</section>`;
}

export function pageHtml(dashboard, chosen, panels, pageWidth) {
  return `<!doctype html><meta charset="utf-8"><title>${escaped(dashboard.title)}</title><style>
body{margin:0;padding:12px;width:${pageWidth}px;background:#111217;color:#ccccdc;font:12px/1.35 "Inter","Liberation Sans",sans-serif}
h1{font-size:18px;margin:0 0 4px} p.chosen{margin:0 0 10px;color:#9fa0ab}
main{display:grid;grid-template-columns:repeat(24,1fr);grid-auto-rows:30px;gap:8px}
section{background:#181b1f;border:1px solid #2b2d33;border-radius:3px;padding:6px 8px;overflow:hidden;min-width:0} h2{font-size:14px;margin:4px 0;align-self:end}
h3{font-size:13px;font-weight:500;margin:0 0 6px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
svg text{fill:#9fa0ab;font-size:11px} .grid{stroke:#2b2d33} .mark{stroke:#ff7ac8;stroke-dasharray:3 3} .limit{stroke-dasharray:6 5}
.legend{overflow:hidden} table{border-collapse:collapse;width:100%} th{color:#6e9fff;font-weight:500} th,td{text-align:left;padding:0 8px 0 0;white-space:nowrap;height:17px} .legend td+td,.legend th+th{text-align:right}
.legend i{display:inline-block;width:14px;height:4px;border-radius:2px;margin-right:6px;vertical-align:middle}
.beside{display:flex} .beside .legend{width:320px;margin-left:8px} .rows{overflow:hidden} .rows td,.rows th{height:26px;border-bottom:1px solid #24262c}
.stat{font-size:22px;white-space:nowrap;font-weight:500;display:flex;flex-direction:column;justify-content:center;align-items:center}
.bar{display:flex;align-items:center;gap:8px;margin-bottom:4px} .bar .name{width:34%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-align:right} .bar .track{flex:1;height:100%;background:#22252b} .bar b{display:block;height:100%} .bar .value{width:92px;white-space:nowrap;text-align:right}
.text{font-size:13px} .text p{margin:0 0 8px} .empty{display:flex;height:70%;align-items:center;justify-content:center;color:#9fa0ab;text-align:center}
</style><h1>${escaped(dashboard.title)}</h1><p class="chosen">${escaped(chosen)}</p><main>${panels.join('\n')}</main>\n`;
}
