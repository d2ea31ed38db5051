// SPDX-License-Identifier: GPL-2.0-only
// Draws vCPUs. Each device pixel's column shows how its time splits into states, so that nothing
// that is shorter than a pixel is hidden, and nothing is drawn larger than it is.

const rowHeight = 22, rowGap = 4, smallestLabel = 64;

// Colours come from the style sheet, light or dark.
function readColours(states) {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const colours = {
    states: states.map((state) => read(`--${state.name}`)), text: read('--text'), quiet: read('--quiet'),
    line: read('--line'), back: read('--row'), mark: read('--mark'), accent: read('--accent'),
  };
  colours.onState = colours.states.map(readableOn);
  return colours;
}

// Black or white, whichever the eye tells better from a colour '#rrggbb'.
function readableOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? '#000000' : '#ffffff';
}

// How the columns' time splits: sums[column * 16 + state] in parts of the column.
function columnSums(row, view, width, hidden) {
  const sums = new Float32Array(width * 16);
  const scale = width / (view.to - view.from);
  for (let i = firstAfter(row, view.from); i < row.count && row.begin[i] < view.to; i++) {
    const state = row.state[i];
    if (hidden.has(state)) continue;
    const left = Math.max(0, (row.begin[i] - view.from) * scale);
    const right = Math.min(width, (row.end[i] - view.from) * scale);
    const first = Math.min(width - 1, Math.floor(left)), last = Math.min(width - 1, Math.floor(right));
    if (first === last) {
      sums[first * 16 + state] += right - left;
      continue;
    }
    sums[first * 16 + state] += first + 1 - left;
    for (let column = first + 1; column < last; column++) sums[column * 16 + state] += 1;
    sums[last * 16 + state] += right - last;
  }
  return sums;
}

// The state that a column is wholly in, -1 if in none, -2 if in several.
function onlyState(sums, column) {
  let found = -1;
  for (let state = 0; state < 16; state++) {
    const part = sums[column * 16 + state];
    if (part > 0.98) return state;
    if (part > 0.004) found = -2;
  }
  return found;
}

function paintColumns(context, sums, width, top, height, colours) {
  for (let column = 0; column < width;) {
    const state = onlyState(sums, column);
    let next = column + 1;
    if (state !== -2) {
      while (next < width && onlyState(sums, next) === state) next++;
      if (state >= 0) {
        context.fillStyle = colours.states[state];
        context.fillRect(column, top, next - column, height);
      }
    } else {
      let bottom = top + height;
      for (let each = 0; each < colours.states.length; each++) {
        const part = sums[column * 16 + each] * height;
        if (part === 0) continue;
        context.fillStyle = colours.states[each];
        context.fillRect(column, bottom - part, 1, part);
        bottom -= part;
      }
    }
    column = next;
  }
}

// Where wide intervals begin, and what they are, in words on them.
function paintLabels(context, row, view, width, top, height, scene) {
  const scale = width / (view.to - view.from), smallest = smallestLabel * scene.ratio;
  for (let i = firstAfter(row, view.from); i < row.count && row.begin[i] < view.to; i++) {
    const length = (row.end[i] - row.begin[i]) * scale;
    if (length < smallest / 4 || scene.hidden.has(row.state[i])) continue;
    context.fillStyle = scene.colours.back;
    context.fillRect(Math.round((row.begin[i] - view.from) * scale), top, scene.ratio, height);
    if (length < smallest) continue;
    const left = Math.max(0, (row.begin[i] - view.from) * scale);
    const right = Math.min(width, (row.end[i] - view.from) * scale);
    if (right - left < smallest) continue;
    const detail = scene.report.details[row.detail[i]];
    const text = scene.report.states[row.state[i]].name + (detail ? `: ${detail}` : '');
    context.save();
    context.beginPath();
    context.rect(left + 2, top, right - left - 4, height);
    context.clip();
    context.fillStyle = scene.colours.onState[row.state[i]];
    context.fillText(text, left + 5 * scene.ratio, top + height / 2);
    context.restore();
  }
}

function paintRow(context, row, index, width, scene) {
  const {view, colours, ratio} = scene;
  const top = Math.round(index * (rowHeight + rowGap) * ratio), height = Math.round(rowHeight * ratio);
  context.fillStyle = colours.back;
  context.fillRect(0, top, width, height);
  paintColumns(context, columnSums(row, view, width, scene.hidden), width, top, height, colours);
  // Not of 100,000 intervals: none of them is wide then.
  if (firstAfter(row, view.to) - firstAfter(row, view.from) < 4 * width)
    paintLabels(context, row, view, width, top, height, scene);
  if (scene.chosen && scene.chosen.row === row) {
    const scale = width / (view.to - view.from);
    const left = (row.begin[scene.chosen.at] - view.from) * scale;
    const right = (row.end[scene.chosen.at] - view.from) * scale;
    context.strokeStyle = colours.text;
    context.lineWidth = 2 * ratio;
    context.strokeRect(left, top + ratio, Math.max(2 * ratio, right - left), height - 2 * ratio);
  }
}

// Gives a canvas the pixels of the screen, and empties it.
function prepare(canvas, ratio, height) {
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  canvas.width = width;
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  context.font = `${11 * ratio}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  return {context, width};
}

function paintVm(group, scene) {
  const {context, width} = prepare(group.canvas, scene.ratio, group.rows.length * (rowHeight + rowGap) - rowGap);
  group.rows.forEach((row, index) => paintRow(context, row, index, width, scene));
  paintMarks(context, width, group.canvas.height, scene);
  if (group.path) paintPath(group.path, scene);
}

function paintMarks(context, width, height, scene) {
  for (const mark of scene.report.marks) {
    const x = Math.round((mark.ns - scene.view.from) / (scene.view.to - scene.view.from) * width);
    if (x < 0 || x > width) continue;
    context.fillStyle = scene.colours.mark;
    context.fillRect(Math.min(x, width - 1) - scene.ratio / 2, 0, 2 * scene.ratio, height);
  }
}
