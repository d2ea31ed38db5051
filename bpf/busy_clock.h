// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// Time in which something had at least one user, kept without a lock and without losing a nanosecond: every first
// user subtracts when it came, every last one adds when it went, and how many stretches are open stands in the
// same word. Whatever the order in which CPUs do that, the sum is right, and a reader sees one whole word.
// Common subset of C and C++20.
#ifndef VMFLOW_BPF_BUSY_CLOCK_H
#define VMFLOW_BPF_BUSY_CLOCK_H

#include "vcpu_state.h"

/// Shape: `word` is 256 times the sum of ends minus beginnings, plus the stretches that are open.
struct busy_clock {
  __u64 word;
  __s64 users;
};

/// Readings are modulo this: only their difference means something.
#define FLOW_BUSY_MASK 0x00ffffffffffffffull
/// No reading.
#define FLOW_BUSY_UNTOLD 0xffffffffffffffffull

FLOW_FN void busy_begin(struct busy_clock *clock, __u64 now_ns) {
  if (__sync_fetch_and_add(&clock->users, 1) == 0)
    __sync_fetch_and_add(&clock->word, 1 - (now_ns << 8));
}

FLOW_FN void busy_end(struct busy_clock *clock, __u64 now_ns) {
  if (__sync_fetch_and_add(&clock->users, -1) == 1)
    __sync_fetch_and_add(&clock->word, (now_ns << 8) - 1);
}

FLOW_FN __u64 busy_read(const struct busy_clock *clock, __u64 now_ns) {
  __u64 word = *(const volatile __u64 *)&clock->word;
  __s64 open = (__s8)word;
  return (((word - (__u64)open) >> 8) + (__u64)open * now_ns) & FLOW_BUSY_MASK;
}

/// Nanoseconds between two readings. One that seems to go back is none: its clock was read before the other's.
FLOW_FN __u64 busy_between(__u64 from, __u64 to) {
  __u64 ns = (to - from) & FLOW_BUSY_MASK;
  return ns > FLOW_BUSY_MASK / 2 ? 0 : ns;
}

#endif
