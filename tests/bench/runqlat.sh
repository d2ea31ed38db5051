#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints bpftrace's runqlat as Debian ships it, but for a header of the kernel's that it includes for one constant: with
# user space's header of that name, and no headers of the kernel, it does not compile.
set -euo pipefail
sed -e '/^#include <linux\/sched.h>/d' -e 's/\<TASK_RUNNING\>/0/' /usr/sbin/runqlat.bt
