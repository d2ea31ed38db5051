// SPDX-License-Identifier: GPL-2.0-only
// The time axis, and below it where the view lies in the whole window.

const axisHeight = 34;

// A round step of time, so that labels have room.
function axisStep(span, width) {
  const least = span / Math.max(1, width / 90);
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((factor) => power * factor >= least * 0.999);
}

function paintAxis(canvas, scene) {
  const {context, width} = prepare(canvas, scene.ratio, axisHeight);
  const {view, colours, ratio, report} = scene;
  const step = axisStep(view.to - view.from, width / ratio);
  const place = (ns) => (ns - view.from) / (view.to - view.from) * width;
  for (let tick = Math.ceil(view.from / step); tick * step <= view.to; tick++) {
    const x = Math.round(place(tick * step)), text = momentText(tick * step, step, view.to);
    context.fillStyle = colours.line;
    context.fillRect(x, 0, ratio, 8 * ratio);
    context.fillStyle = colours.quiet;
    const room = width - context.measureText(text).width - 2 * ratio;
    context.fillText(text, Math.max(0, Math.min(x + 4 * ratio, room)), 12 * ratio);
  }
  const base = (axisHeight - 7) * ratio;
  context.fillStyle = colours.line;
  context.fillRect(0, base + 2 * ratio, width, ratio);
  context.fillStyle = colours.accent;
  const left = view.from / report.length * width;
  context.fillRect(left, base, Math.max(3 * ratio, (view.to - view.from) / report.length * width), 5 * ratio);
  paintMarks(context, width, 20 * ratio, scene);
}
