// SPDX-License-Identifier: GPL-2.0-only
// What is known of an interval: beside the pointer, and in the panel of the chosen one.

function titleOf(group, row) {
  return `${group.vm.name}, vCPU ${row.vcpu.id}`;
}

function stateTitle(scene, state) {
  return element('b', {}, element('i', {class: `swatch state-${scene.report.states[state].name}`}),
                 scene.report.states[state].name);
}

// Lines for the tooltip: one interval, or what a pixel holds if it holds more.
function describe(scene, group, row, ns, pixelNs) {
  const around = sumBetween(row, ns - pixelNs / 2, ns + pixelNs / 2);
  const head = element('div', {class: 'quiet'}, `${titleOf(group, row)} at ${exactText(ns)}`);
  const i = intervalAt(row, ns);
  if (around.count > 2) {
    const all = around.sums.reduce((sum, each) => sum + each, 0);
    const parts = [...around.sums.entries()].filter(([, time]) => time > 0).sort((one, two) => two[1] - one[1]);
    return [head, element('div', {}, `${around.count} intervals in ${timeText(pixelNs)}: zoom in to tell them apart`),
            ...parts.slice(0, 5).map(([state, time]) =>
              element('div', {}, stateTitle(scene, state), ` ${Math.round(time / all * 100)} %`))];
  }
  if (i < 0) return [head, element('div', {}, 'not known: no event tells')];
  const detail = scene.report.details[row.detail[i]];
  return [head, element('div', {}, stateTitle(scene, row.state[i]), ` for ${timeText(row.end[i] - row.begin[i])}`),
          ...(detail ? [element('div', {}, detail)] : [])];
}

class Tooltip {
  constructor() {
    this.box = element('div', {class: 'tooltip', role: 'presentation', hidden: ''});
    document.body.append(this.box);
  }
  show(event, lines) {
    this.box.replaceChildren(...lines);
    this.box.hidden = false;
    const width = document.documentElement.clientWidth, height = document.documentElement.clientHeight;
    const left = Math.max(4, Math.min(event.clientX + 14, width - this.box.offsetWidth - 4));
    const below = event.clientY + 18;
    const top = below + this.box.offsetHeight > height ? event.clientY - this.box.offsetHeight - 10 : below;
    this.box.style.transform = `translate(${left}px, ${Math.max(4, top)}px)`;
  }
  hide() { this.box.hidden = true; }
}

// The chosen interval in full, read out by screen readers.
class Panel {
  constructor(scene, view) {
    this.scene = scene;
    this.box = element('div', {class: 'panel', role: 'status', 'aria-live': 'polite', hidden: ''});
    this.zoom = element('button', {type: 'button', onclick: () => this.zoomTo(view)}, 'Zoom to it');
    this.close = element('button', {type: 'button', onclick: () => this.scene.choose(null), 'aria-label': 'Close the details'}, '✕');
  }
  zoomTo(view) {
    const {row, at} = this.scene.chosen, span = row.end[at] - row.begin[at];
    view.show(row.begin[at] - span, row.end[at] + span);
  }
  show() {
    const {chosen, report} = this.scene;
    this.box.hidden = !chosen;
    if (!chosen) return;
    const {group, row, at} = chosen;
    const state = report.states[row.state[at]];
    const detail = report.details[row.detail[at]];
    this.box.replaceChildren(
      element('div', {class: 'panel-text'},
              element('div', {}, stateTitle(this.scene, row.state[at]), ` for ${timeText(row.end[at] - row.begin[at])}: ${state.meaning}`),
              ...(detail ? [element('div', {class: 'strong'}, detail)] : []),
              element('div', {}, `${titleOf(group, row)}, ${exactText(row.begin[at])} to ${exactText(row.end[at])} of the window`),
              element('div', {class: 'quiet'}, `from ${absoluteText(row.begin[at], report)}`)),
      element('div', {class: 'panel-buttons'}, this.zoom, this.close));
  }
}
