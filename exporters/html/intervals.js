// SPDX-License-Identifier: GPL-2.0-only
// The intervals of a vCPU, out of what exporters/interval_bytes.h packs. All times are nanoseconds
// since the window's begin: exact up to 104 days.

function unpackIntervals(vcpu) {
  const text = atob(vcpu.data);
  const row = {
    vcpu, count: vcpu.count,
    begin: new Float64Array(vcpu.count), end: new Float64Array(vcpu.count),
    state: new Uint8Array(vcpu.count), detail: new Uint32Array(vcpu.count),
  };
  let at = 0;
  const number = () => { // no shifts: they would cut it to 32 bits
    let value = 0;
    for (let unit = 1;; unit *= 128) {
      const byte = text.charCodeAt(at++);
      value += (byte % 128) * unit;
      if (!(byte >= 128)) return value;
    }
  };
  let told = 0;
  for (let i = 0; i < row.count; i++) {
    const head = number();
    if (head % 2) told += number();
    row.state[i] = Math.floor(head / 2) % 16;
    row.detail[i] = Math.floor(head / 32);
    row.begin[i] = told;
    told += number();
    row.end[i] = told;
  }
  return row;
}

// The first interval that ends after ns.
function firstAfter(row, ns) {
  let low = 0, high = row.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row.end[middle] > ns) high = middle; else low = middle + 1;
  }
  return low;
}

// The interval at ns, or -1 in a gap.
function intervalAt(row, ns) {
  const i = firstAfter(row, ns);
  return i < row.count && row.begin[i] <= ns ? i : -1;
}

// What is between two moments: intervals, and the time in each state.
function sumBetween(row, from, to) {
  const sums = new Float64Array(16);
  let count = 0;
  for (let i = firstAfter(row, from); i < row.count && row.begin[i] < to; i++, count++)
    sums[row.state[i]] += Math.min(row.end[i], to) - Math.max(row.begin[i], from);
  return {sums, count};
}
