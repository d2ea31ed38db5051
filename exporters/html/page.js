// SPDX-License-Identifier: GPL-2.0-only
// Builds the timeline and ties its parts together.

function readReport() {
  return JSON.parse(document.getElementById('data').textContent);
}

function button(text, label, action) {
  return element('button', {type: 'button', 'aria-label': label, title: label, onclick: action}, text);
}

function legend(scene, groups) {
  const box = element('div', {class: 'legend', role: 'group', 'aria-label': 'States shown'});
  const seen = new Set(groups.flatMap((group) => group.rows.flatMap((row) => [...new Set(row.state)])));
  scene.report.states.forEach((state, index) => {
    if (!seen.has(index)) return;
    const toggle = element('button', {type: 'button', 'aria-pressed': 'true', title: `${state.name}: ${state.meaning}`},
                           element('i', {class: `swatch state-${state.name}`}), state.name);
    toggle.addEventListener('click', () => {
      const hide = !scene.hidden.has(index);
      if (hide) scene.hidden.add(index); else scene.hidden.delete(index);
      toggle.setAttribute('aria-pressed', String(!hide));
      scene.redraw();
    });
    box.append(toggle);
  });
  return box;
}

function vmGroup(report, vm, index) {
  const rows = vm.vcpus.map(unpackIntervals);
  const canvas = element('canvas', {
    tabindex: '0', role: 'application', 'aria-roledescription': 'timeline', 'aria-describedby': 'keys',
    'aria-label': `States of the ${rows.length} vCPUs of ${vm.name} over time. ${vm.sentence}`,
  });
  const height = rows.length * (rowHeight + rowGap) - rowGap;
  canvas.style.height = `${Math.max(0, height)}px`;
  const labels = element('div', {class: 'labels'}, ...rows.map((row) =>
    element('span', {title: row.vcpu.tid ? `thread ${row.vcpu.tid}` : ''}, `vCPU ${row.vcpu.id}`)));
  const path = vm.path ? pathBox(report, vm.path) : null;
  const left = vm.vcpus.reduce((sum, vcpu) => sum + vcpu.left_out, 0);
  const box = element('section', {class: 'group', 'aria-label': vm.name},
    element('h3', {}, element('bdi', {}, vm.name), ' ', element('span', {class: 'cause'}, vm.cause), ' ',
            element('a', {href: `#vm-${index}`}, 'numbers')),
    ...(left ? [element('p', {class: 'note'}, `${left} intervals are not drawn: too many, or outside of the window.`)] : []),
    element('div', {class: 'rows'}, labels, canvas), ...(path ? [path.box] : []));
  return {vm, rows, canvas, box, path, near: false};
}

// Draws a VM once it comes near the screen, and then whenever something changed.
function drawWhenSeen(groups, scene) {
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const group = groups.find((each) => each.box === entry.target);
      group.near = entry.isIntersecting;
      if (group.near) paintVm(group, scene);
    }
  }, {rootMargin: '400px'});
  groups.forEach((group) => watch.observe(group.box));
}

function rowUnder(group, event) {
  const box = group.canvas.getBoundingClientRect();
  const index = Math.floor((event.clientY - box.top) / (rowHeight + rowGap));
  return {row: group.rows[Math.max(0, Math.min(group.rows.length - 1, index))],
          part: Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)), width: box.width};
}

function connect(group, scene, view, tooltip) {
  const {canvas, rows} = group;
  if (group.path) connectPath(group.path, scene, view, tooltip);
  if (rows.length === 0) return;
  followPointers(canvas, view, (event) => {
    const {row, part} = rowUnder(group, event);
    const at = intervalAt(row, view.at(part));
    scene.choose(at < 0 ? null : {group, row, at});
  });
  followWheel(canvas, view);
  followKeys(canvas, view, (down, along) => {
    const chosen = scene.chosen && scene.chosen.group === group ? scene.chosen : null;
    const index = chosen ? rows.indexOf(chosen.row) + down : 0;
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    const moment = chosen ? Math.max(view.from, row === chosen.row ? 0 : chosen.row.begin[chosen.at]) : view.at(0.5);
    const at = chosen && row === chosen.row ? chosen.at + along : firstAfter(row, moment);
    if (row.count > 0) scene.choose({group, row, at: Math.max(0, Math.min(row.count - 1, at))}, true);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'mouse' || event.buttons !== 0) return tooltip.hide();
    const {row, part, width} = rowUnder(group, event);
    tooltip.show(event, describe(scene, group, row, view.at(part), (view.to - view.from) / width));
  });
  canvas.addEventListener('pointerleave', () => tooltip.hide());
}

// Shows the VMs whose name or label holds the text; Enter goes to the first of them.
function search(groups, scene) {
  const none = element('span', {class: 'quiet', role: 'status'});
  const input = element('input', {type: 'search', placeholder: 'Go to VM', 'aria-label': 'Go to VM'});
  const apply = () => {
    const text = input.value.trim().toLowerCase();
    const found = groups.filter(({vm, box}) => {
      box.hidden = !`${vm.name}\n${vm.label}`.toLowerCase().includes(text);
      return !box.hidden;
    });
    none.textContent = found.length === 0 ? 'no such VM' : '';
    return found;
  };
  input.addEventListener('input', () => { apply(); scene.redraw(); });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    const [first] = apply();
    if (first) first.canvas.focus();
  });
  return [input, none];
}

function buildTimeline(report, root) {
  let waiting = false;
  const view = new View(report.length, () => scene.redraw());
  const range = element('span', {class: 'range', role: 'status'});
  const axis = element('canvas', {class: 'axis', role: 'img', 'aria-label': 'Time axis'});
  const scene = {
    report, view, hidden: new Set(), chosen: null, ratio: 1, colours: null,
    redraw() {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; draw(); });
    },
    choose(chosen, follow = false) {
      scene.chosen = chosen;
      if (follow && chosen) {
        const {row, at} = chosen, span = view.to - view.from;
        if (row.end[at] < view.from || row.begin[at] > view.to)
          view.show(row.begin[at] - span / 2, row.begin[at] + span / 2);
      }
      panel.show();
      scene.redraw();
    },
  };
  const groups = report.vms.map((vm, index) => vmGroup(report, vm, index));
  const asked = report.path ? pathBox(report, report.path) : null;
  const panel = new Panel(scene, view), tooltip = new Tooltip();
  function draw() {
    scene.ratio = window.devicePixelRatio || 1;
    scene.colours = readColours(report.states);
    const span = view.to - view.from, told = (ns) => momentText(ns, span / 100, view.to);
    range.textContent = `${told(view.from)} to ${told(view.to)} (${timeText(span)})`;
    paintAxis(axis, scene);
    if (asked) paintPath(asked, scene);
    groups.filter((group) => group.near && !group.box.hidden).forEach((group) => paintVm(group, scene));
  }
  const tools = element('div', {class: 'tools', role: 'toolbar', 'aria-label': 'Timeline'},
    button('−', 'Zoom out', () => view.zoom(2)), button('+', 'Zoom in', () => view.zoom(0.5)),
    button('Fit', 'Show the whole window', () => view.fit()),
    button('◀', 'Earlier', () => view.pan(-0.5)), button('▶', 'Later', () => view.pan(0.5)), range, ...search(groups, scene));
  const marks = report.marks.map((mark) =>
    button(`▼ ${mark.text}, ${timeText(mark.ns)}`, 'Zoom to this moment',
           () => view.show(mark.ns - report.length / 20, mark.ns + report.length / 20)));
  root.append(
    element('p', {class: 'note', id: 'keys'},
            'Drag to move, pinch or Ctrl + wheel to zoom, click for details. What is narrower than a pixel is drawn by its share; ' +
            'what is empty is not known. ',
            element('span', {class: 'wide'}, 'Keys: arrows, + and −, 0 for all, comma and full stop for the intervals one by one.')),
    legend(scene, groups), ...(marks.length ? [element('div', {class: 'marks'}, ...marks)] : []),
    element('div', {class: 'head'}, tools, element('div', {class: 'rows'}, element('div', {class: 'labels'}), axis)),
    ...(asked ? [asked.box] : []), ...groups.map((group) => group.box), panel.box);
  if (asked) connectPath(asked, scene, view, tooltip);
  groups.forEach((group) => connect(group, scene, view, tooltip));
  followPointers(axis, view, () => {});
  followWheel(axis, view);
  draw();
  drawWhenSeen(groups, scene);
  new ResizeObserver(() => scene.redraw()).observe(root);
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => scene.redraw());
  window.addEventListener('keydown', (event) => { if (event.key === 'Escape' && scene.chosen) scene.choose(null); });
  window.addEventListener('beforeprint', () => {
    document.querySelectorAll('details').forEach((each) => { each.open = true; });
    groups.forEach((group) => paintVm(group, scene));
  });
}

// A link to a VM's numbers opens them.
function openTarget() {
  const target = location.hash.startsWith('#vm-') && document.getElementById(location.hash.slice(1));
  if (target) target.open = true;
}

window.addEventListener('hashchange', openTarget);
openTarget();
buildTimeline(readReport(), document.getElementById('timeline'));
