// SPDX-License-Identifier: GPL-2.0-only
// The kernel side of vmflow: one object, so that all programs share one set of maps and constants.
#include "kernel_types.h"

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "config.h"
#include "records.h"

#include "maps.bpf.h"
#include "slots.bpf.h"
#include "ring.bpf.h"

#include "io.bpf.h"
#include "disk.bpf.h"
#include "net.bpf.h"
#include "packet_parse.h"
#include "packets.bpf.h"
#include "interrupts.bpf.h"
#include "irq.bpf.h"
#include "wake.bpf.h"
#include "waker.bpf.h"
#include "ready.bpf.h"

#include "nested.bpf.h"

#include "kvm.bpf.h"
#include "sched.bpf.h"

#include "discover.bpf.h"

char LICENSE[] SEC("license") = "GPL";
