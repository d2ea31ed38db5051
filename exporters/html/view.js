// SPDX-License-Identifier: GPL-2.0-only
// Which part of the window is seen, and the gestures that change it: wheel, drag, touch, keys.

const shortestSpan = 200; // ns

class View {
  constructor(length, changed) {
    this.length = Math.max(1, length);
    this.changed = changed;
    this.from = 0;
    this.to = this.length;
  }
  show(from, to) {
    const span = Math.min(this.length, Math.max(Math.min(shortestSpan, this.length), to - from));
    const start = Math.max(0, Math.min(this.length - span, from + (to - from - span) / 2));
    this.from = start;
    this.to = start + span;
    this.changed();
  }
  // part: what stays where it is, 0 the left edge, 1 the right one.
  zoom(factor, part = 0.5) {
    const fixed = this.at(part), span = (this.to - this.from) * factor;
    const bounded = Math.min(this.length, Math.max(shortestSpan, span));
    this.show(fixed - bounded * part, fixed + bounded * (1 - part));
  }
  pan(part) {
    const by = (this.to - this.from) * part;
    this.show(this.from + by, this.to + by);
  }
  fit() { this.show(0, this.length); }
  at(part) { return this.from + (this.to - this.from) * part; }
}

// One finger or the mouse drags, two fingers zoom; what did not move is a click.
function followPointers(canvas, view, clicked) {
  const pointers = new Map();
  let moved = false;
  const part = (x) => {
    const box = canvas.getBoundingClientRect();
    return (x - box.left) / box.width;
  };
  const spread = () => {
    const [one, two] = [...pointers.values()];
    return {width: Math.max(10, Math.abs(one.x - two.x)), middle: (one.x + two.x) / 2};
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    if (pointers.size === 0) moved = false;
    pointers.set(event.pointerId, {x: event.clientX, y: event.clientY, startX: event.clientX});
  });
  canvas.addEventListener('pointermove', (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) return;
    if (Math.abs(event.clientX - pointer.startX) > 4 && !moved) {
      moved = true;
      canvas.setPointerCapture(event.pointerId);
    }
    if (pointers.size === 2) {
      moved = true;
      const before = spread();
      pointer.x = event.clientX;
      const after = spread();
      view.pan(part(before.middle) - part(after.middle));
      view.zoom(before.width / after.width, part(after.middle));
    } else if (moved) {
      view.pan(part(pointer.x) - part(event.clientX));
      pointer.x = event.clientX;
    }
  });
  canvas.addEventListener('pointerup', (event) => {
    if (pointers.delete(event.pointerId) && !moved && pointers.size === 0) clicked(event);
  });
  canvas.addEventListener('pointercancel', (event) => pointers.delete(event.pointerId));
  canvas.addEventListener('dblclick', (event) => view.zoom(0.25, part(event.clientX)));
}

// With Ctrl (or a pinch on a touchpad, which is the same event) the wheel zooms; without, the page
// scrolls, since a report of many VMs is long.
function followWheel(canvas, view) {
  canvas.addEventListener('wheel', (event) => {
    const box = canvas.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      view.zoom(2 ** (Math.max(-200, Math.min(200, event.deltaY)) / 200), (event.clientX - box.left) / box.width);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      view.pan((event.deltaX || event.deltaY) / box.width);
    }
  }, {passive: false});
}

// Keys on the focused timeline. choose(rows, intervals) moves the chosen interval.
function followKeys(canvas, view, choose) {
  const actions = {
    ArrowLeft: () => view.pan(-0.2), a: () => view.pan(-0.2),
    ArrowRight: () => view.pan(0.2), d: () => view.pan(0.2),
    '+': () => view.zoom(0.5), '=': () => view.zoom(0.5), w: () => view.zoom(0.5),
    '-': () => view.zoom(2), s: () => view.zoom(2),
    0: () => view.fit(), Home: () => view.show(0, view.to - view.from),
    End: () => view.show(view.length - (view.to - view.from), view.length),
    ArrowUp: () => choose(-1, 0), ArrowDown: () => choose(1, 0),
    ',': () => choose(0, -1), '.': () => choose(0, 1),
  };
  canvas.addEventListener('keydown', (event) => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? null : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
