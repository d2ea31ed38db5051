// SPDX-License-Identifier: GPL-2.0-only
'use strict';
const frame = document.getElementById('report');
const results = document.getElementById('results');

function check(name, holds, seen = '') {
  results.textContent += `${holds ? 'ok' : 'FAIL'} ${name}${holds || seen === '' ? '' : `: ${seen}`}\n`;
}

// Until the page has drawn what was asked for.
async function drawn() {
  for (let i = 0; i < 3; i++) await new Promise((done) => frame.contentWindow.requestAnimationFrame(done));
}

function pixels(canvas) {
  // Out of a copy: reading a canvas again and again changes how it is drawn, and the browser complains.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(0, 0, canvas.width, canvas.height).data;
}

function countColour(canvas, colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const data = pixels(canvas);
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    if (data[i] === red && data[i + 1] === green && data[i + 2] === blue) count++;
  return count;
}

function same(one, two) {
  return one.length === two.length && one.every((byte, i) => byte === two[i]);
}

function pointer(target, type, x, y, more = {}) {
  const box = target.getBoundingClientRect();
  target.dispatchEvent(new frame.contentWindow.PointerEvent(type, {
    bubbles: true, clientX: box.left + x, clientY: box.top + y, pointerId: 1, pointerType: 'mouse', button: 0, ...more,
  }));
}

function wheel(target, more) {
  target.dispatchEvent(new frame.contentWindow.WheelEvent('wheel', {
    bubbles: true, cancelable: true, clientX: target.getBoundingClientRect().left + 50, ...more,
  }));
}

function key(target, name) {
  target.dispatchEvent(new frame.contentWindow.KeyboardEvent('keydown', {bubbles: true, cancelable: true, key: name}));
}

function checkText(page) {
  const finding = page.getElementById('finding').textContent;
  check('the finding is a sentence', /^web: Has work but no CPU 40 % .*\.$/.test(finding), finding);
  const verdicts = page.querySelectorAll('.vms .vm p');
  check('every VM has its sentence', verdicts.length === 3 && [...verdicts].every((each) => each.textContent.endsWith('.')));
  check('names are text', page.querySelectorAll('img').length === 0 && page.scripts.length === 2 && page.title.startsWith('vmflow'));
  check('a hostile name is shown as it is', page.querySelector('.group:last-of-type h3 bdi, .group h3 bdi') !== null &&
        [...page.querySelectorAll('.group h3 bdi')].some((each) => each.textContent.includes('</script><script>')));
  for (const words of ['Who held the CPU', 'What ended its halts', 'Exits by handling time', 'Live numbers and trace agree', 'cannot tell'])
    check(`says: ${words}`, page.body.textContent.includes(words));
}

function checkWidth(page, when) {
  const {scrollWidth, clientWidth} = page.documentElement;
  check(`no horizontal scrolling ${when}`, scrollWidth <= clientWidth, `${scrollWidth} > ${clientWidth}`);
}

async function checkGestures(page, canvas) {
  const range = page.querySelector('.range'), whole = pixels(canvas), wholeText = range.textContent;
  canvas.setPointerCapture = () => {}; // there are no pointers behind the events below
  const [out, nearer, fit] = page.querySelectorAll('.tools button');
  const changes = async (name, action) => {
    const before = pixels(canvas), text = range.textContent;
    action();
    await drawn();
    check(name, range.textContent !== text && !same(pixels(canvas), before), range.textContent);
  };
  await changes('+ zooms in', () => nearer.click());
  await changes('− zooms out', () => out.click());
  await changes('the wheel with Ctrl zooms', () => wheel(canvas, {deltaY: -400, ctrlKey: true}));
  const zoomed = range.textContent;
  wheel(canvas, {deltaY: -400});
  await drawn();
  check('the wheel alone does not', range.textContent === zoomed);
  await changes('dragging pans', () => {
    pointer(canvas, 'pointerdown', 150, 10);
    pointer(canvas, 'pointermove', 80, 10, {buttons: 1});
    pointer(canvas, 'pointerup', 80, 10);
  });
  await changes('two fingers zoom', () => {
    const finger = (id) => ({pointerId: id, pointerType: 'touch'});
    pointer(canvas, 'pointerdown', 100, 10, finger(2));
    pointer(canvas, 'pointerdown', 140, 10, finger(3));
    pointer(canvas, 'pointermove', 220, 10, finger(3));
    pointer(canvas, 'pointerup', 100, 10, finger(2));
    pointer(canvas, 'pointerup', 220, 10, finger(3));
  });
  await changes('arrow keys pan', () => key(canvas, 'ArrowRight'));
  await changes('+ as a key zooms', () => key(canvas, '+'));
  fit.click();
  await drawn();
  check('Fit shows the whole again', range.textContent === wholeText && same(pixels(canvas), whole), range.textContent);
}

async function checkDetails(page, canvas) {
  const panel = page.querySelector('.panel'), tooltip = page.querySelector('.tooltip');
  for (let i = 0; i < 12; i++) key(canvas, '+'); // to where single intervals can be pointed at
  await drawn();
  pointer(canvas, 'pointermove', 60, 10);
  check('the tooltip tells the interval', !tooltip.hidden && tooltip.textContent.includes('web, vCPU 0'), tooltip.textContent);
  pointer(canvas, 'pointerleave', 60, 10);
  check('the tooltip goes', tooltip.hidden);
  pointer(canvas, 'pointerdown', 60, 10);
  pointer(canvas, 'pointerup', 60, 10);
  await drawn();
  check('a click tells all', !panel.hidden && panel.textContent.includes('ns of monotonic'), panel.textContent);
  checkWidth(page, 'with details');
  const first = panel.textContent;
  key(canvas, '.');
  check('a key goes to the next interval', panel.textContent !== first);
  key(page.body, 'Escape');
  check('Escape closes them', panel.hidden);
  key(canvas, '0');
  await drawn();
  pointer(canvas, 'pointerdown', canvas.clientWidth - 0.01, 10);
  pointer(canvas, 'pointerup', canvas.clientWidth - 0.01, 10);
  for (let i = 0; i < 50; i++) key(canvas, '.');
  check('the last interval ends with the window, to the nanosecond', panel.textContent.includes('to 10.000000000 s of the window'),
        panel.textContent);
  key(page.body, 'Escape');
  await drawn();
}

async function checkLegend(page, canvas) {
  const colour = frame.contentWindow.getComputedStyle(page.documentElement).getPropertyValue('--ready').trim();
  const toggle = [...page.querySelectorAll('.legend button')].find((each) => each.textContent === 'ready');
  check('ready is drawn', countColour(canvas, colour) > 100);
  toggle.click();
  await drawn();
  check('the legend hides it', countColour(canvas, colour) === 0 && toggle.getAttribute('aria-pressed') === 'false');
  toggle.click();
  await drawn();
  check('and shows it again', countColour(canvas, colour) > 100);
}

// web's path goes over four workers, six stretches and four arrows.
async function checkPath(page) {
  const canvas = page.querySelector('.group .path canvas'), tooltip = page.querySelector('.tooltip');
  canvas.scrollIntoView();
  await drawn();
  const style = frame.contentWindow.getComputedStyle(page.documentElement);
  const colour = (name) => countColour(canvas, style.getPropertyValue(name).trim());
  check('a critical path', page.querySelectorAll('.path').length === 1);
  check('its sentence', page.querySelector('.path').textContent.includes('waits 40 % for backend'));
  check('a row for each worker', page.querySelectorAll('.path .labels span').length === 4);
  check('running, ready and disk are drawn', colour('--guest') > 100 && colour('--ready') > 100 && colour('--vmm_blocked') > 100);
  check('arrows are', colour('--text') > 10);
  const x = canvas.clientWidth * 0.85;
  pointer(canvas, 'pointermove', x, 10);
  check('the tooltip tells whose time it is', !tooltip.hidden && /vCPU 1 of backend ready behind/.test(tooltip.textContent), tooltip.textContent);
  pointer(canvas, 'pointerleave', x, 10);
  const before = pixels(canvas);
  page.querySelectorAll('.tools button')[1].click();
  await drawn();
  check('it moves with the timeline', !same(pixels(canvas), before));
  page.querySelectorAll('.tools button')[2].click();
  await drawn();
}

async function checkSearch(page) {
  const input = page.querySelector('input[type=search]');
  const type = (text) => {
    input.value = text;
    input.dispatchEvent(new frame.contentWindow.Event('input', {bubbles: true}));
  };
  const shown = () => [...page.querySelectorAll('.group')].filter((each) => !each.hidden).length;
  type('BATCH');
  check('the search finds a VM', shown() === 1);
  key(input, 'Enter');
  check('and goes there', page.activeElement.getAttribute('aria-label').includes('batch'));
  type('nobody');
  check('or says that there is none', shown() === 0 && page.querySelector('.tools').textContent.includes('no such VM'));
  type('');
  check('no text, all VMs', shown() === 3);
  await drawn();
}

function checkScheme(page) {
  const dark = location.hash === '#dark';
  const colour = frame.contentWindow.getComputedStyle(page.body).backgroundColor;
  check('the colours asked for', colour === (dark ? 'rgb(20, 23, 26)' : 'rgb(255, 255, 255)'), colour);
}

async function probe() {
  const page = frame.contentDocument, canvas = page.querySelector('.group canvas');
  await drawn();
  checkText(page);
  checkScheme(page);
  checkWidth(page, 'at first');
  check('a canvas for every VM', page.querySelectorAll('.group > .rows canvas').length === 3);
  check('eight vCPUs', page.querySelectorAll('.group > .rows .labels span').length === 8);
  canvas.scrollIntoView();
  await drawn();
  await checkGestures(page, canvas);
  await checkDetails(page, canvas);
  await checkLegend(page, canvas);
  await checkPath(page);
  await checkSearch(page);
  page.querySelectorAll('details').forEach((each) => { each.open = true; });
  checkWidth(page, 'with everything open');
  results.textContent += 'done\n';
}

frame.addEventListener('load', async () => {
  await probe().catch((error) => check('no exception', false, error));
  document.getElementById('hold').contentDocument.close();
});
