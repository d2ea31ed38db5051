// SPDX-License-Identifier: GPL-2.0-only
// Times in words, and elements whose content is only ever text.

const timeUnits = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];

function timeText(ns) {
  if (ns === 0) return '0 s';
  const [size, name] = timeUnits.find(([size]) => ns >= size * 0.9995) || timeUnits[3];
  const amount = ns / size;
  const digits = size === 1 || amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;
  return `${amount.toFixed(digits)} ${name}`;
}

// A moment, to the digit that `step` can tell, in the unit of the largest moment beside it.
function momentText(ns, step, largest) {
  const [size, name] = timeUnits.find(([size]) => largest >= size) || timeUnits[3];
  const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / size) - 1e-9)));
  return `${(ns / size).toFixed(digits)} ${name}`;
}

function exactText(ns) {
  return `${(ns / 1e9).toFixed(9)} s`;
}

// The same moment on the trace's clock, and on the wall if that is known.
function absoluteText(ns, report) {
  const since = BigInt(Math.round(ns));
  const clock = `${BigInt(report.begin) + since} ns of ${report.clock || 'the trace'}`;
  if (!report.begin_unix) return clock;
  const unix = BigInt(report.begin_unix) + since;
  const date = new Date(Number(unix / 1000000000n) * 1000);
  if (Number.isNaN(date.getTime())) return clock;
  const part = String(unix % 1000000000n).padStart(9, '0');
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${part} UTC, ${clock}`;
}

// element('button', {class: 'x', onclick: f}, 'text', child…)
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
