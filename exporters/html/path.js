// SPDX-License-Identifier: GPL-2.0-only
// Draws a critical path: a row for each worker that it goes over, and an arrow wherever it goes from
// one to another. It moves with the timeline.

const arrowGap = 6; // pixels between two arrows that are both drawn

// What exporters/html_path.h packs, as intervals.js wants its rows.
function unpackPath(path) {
  const count = path.stretches.length / 6;
  const told = (at, Kind) => Kind.from({length: count}, (_, i) => path.stretches[i * 6 + at]);
  const begin = told(0, Float64Array), length = told(1, Float64Array);
  return {...path, count, begin, end: begin.map((ns, i) => ns + length[i]), row: told(2, Uint8Array),
          doing: told(3, Uint8Array), level: told(4, Uint8Array), by: told(5, Int32Array)};
}

// The colour of a state that means about the same, from the style sheet.
function pathClass(report, path, i) {
  const name = report.doings[path.doing[i]].name;
  return name === 'running' ? `level-${Math.min(2, path.level[i])}` : `doing-${name}`;
}

function pathText(report, path, i) {
  const name = report.doings[path.doing[i]].name;
  const by = path.by[i] < 0 ? '' : ` ${name === 'ready' ? 'behind' : 'until'} ${path.names[path.by[i]]}`;
  return name === 'running' ? `running at L${path.level[i]}` : name + by;
}

function pathColours(report, path) {
  const probe = element('i', {class: 'swatch', hidden: ''}), colours = new Map();
  document.body.append(probe);
  for (let i = 0; i < path.count; i++) {
    const key = pathClass(report, path, i);
    if (colours.has(key)) continue;
    probe.className = `swatch path-${key}`;
    colours.set(key, getComputedStyle(probe).getPropertyValue('--c').trim());
  }
  probe.remove();
  return colours;
}

// From the middle of one row to the edge of another, with a head.
function paintArrow(context, x, from, to, ratio) {
  const down = to > from ? 1 : -1, step = (rowHeight + rowGap) * ratio;
  const start = from * step + rowHeight * ratio / 2, end = to * step + (down > 0 ? 0 : rowHeight * ratio);
  context.beginPath();
  context.moveTo(x, start);
  context.lineTo(x, end);
  context.moveTo(x - 3 * ratio, end - 5 * ratio * down);
  context.lineTo(x, end);
  context.lineTo(x + 3 * ratio, end - 5 * ratio * down);
  context.stroke();
}

function paintPath(drawn, scene) {
  const {path, canvas} = drawn, {report, view, ratio} = scene;
  const {context, width} = prepare(canvas, ratio, path.rows.length * (rowHeight + rowGap) - rowGap);
  const scale = width / (view.to - view.from), height = rowHeight * ratio, colours = pathColours(report, path);
  context.fillStyle = scene.colours.back;
  path.rows.forEach((_, row) => context.fillRect(0, row * (rowHeight + rowGap) * ratio, width, height));
  const first = firstAfter(path, view.from);
  for (let i = first; i < path.count && path.begin[i] < view.to; i++) {
    const left = Math.max(0, (path.begin[i] - view.from) * scale), right = Math.min(width, (path.end[i] - view.from) * scale);
    const top = path.row[i] * (rowHeight + rowGap) * ratio, colour = colours.get(pathClass(report, path, i));
    context.fillStyle = colour;
    context.fillRect(left, top, Math.max(ratio, right - left), height);
    if (right - left < smallestLabel * ratio) continue;
    context.save();
    context.beginPath();
    context.rect(left + 2, top, right - left - 4, height);
    context.clip();
    context.fillStyle = readableOn(colour);
    context.fillText(`${path.rows[path.row[i]]}: ${pathText(report, path, i)}`, left + 5 * ratio, top + height / 2);
    context.restore();
  }
  context.strokeStyle = scene.colours.text;
  context.lineWidth = 1.5 * ratio;
  let last = -arrowGap * ratio;
  for (let i = Math.max(1, first); i < path.count && path.begin[i] < view.to; i++) {
    const x = (path.begin[i] - view.from) * scale;
    if (path.row[i] === path.row[i - 1] || x < 0 || x - last < arrowGap * ratio) continue;
    paintArrow(context, x, path.row[i - 1], path.row[i], ratio);
    last = x;
  }
}

function pathKey(report, path) {
  const seen = new Map();
  for (let i = 0; i < path.count; i++) {
    const key = pathClass(report, path, i), doing = report.doings[path.doing[i]];
    seen.set(key, doing.name === 'running' ? `running at L${path.level[i]}` : `${doing.name}: ${doing.meaning}`);
  }
  return element('ul', {class: 'key'}, ...[...seen.entries()].map(([key, text]) =>
    element('li', {}, element('i', {class: `swatch path-${key}`}), text)));
}

// The path of a VM, or of the worker that was asked for.
function pathBox(report, packed) {
  const path = unpackPath(packed);
  const canvas = element('canvas', {role: 'img', 'aria-label': `Critical path. ${path.sentence}`});
  canvas.style.height = `${Math.max(0, path.rows.length * (rowHeight + rowGap) - rowGap)}px`;
  const labels = element('div', {class: 'labels'}, ...path.rows.map((name) => element('span', {title: name}, name)));
  const box = element('div', {class: 'path'},
    element('p', {}, element('b', {}, 'Critical path: '), path.sentence),
    ...(path.whole ? [] : [element('p', {class: 'note'}, 'Short stretches are drawn together, as what most of them are.')]),
    pathKey(report, path), element('div', {class: 'rows'}, labels, canvas));
  return {path, canvas, box};
}

function connectPath(drawn, scene, view, tooltip) {
  const {path, canvas} = drawn;
  followPointers(canvas, view, () => {});
  followWheel(canvas, view);
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'mouse' || event.buttons !== 0) return tooltip.hide();
    const box = canvas.getBoundingClientRect();
    const ns = view.at(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width))), i = firstAfter(path, ns);
    if (i >= path.count || path.begin[i] > ns) return tooltip.hide();
    tooltip.show(event, [element('div', {class: 'quiet'}, `critical path at ${exactText(ns)}`),
      element('div', {}, element('b', {}, path.rows[path.row[i]]), ` ${pathText(scene.report, path, i)} for ${timeText(path.end[i] - path.begin[i])}`)]);
  });
  canvas.addEventListener('pointerleave', () => tooltip.hide());
}
