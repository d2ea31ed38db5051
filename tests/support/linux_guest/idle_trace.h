// SPDX-License-Identifier: GPL-2.0-only
// The guest kernel's own record of what ended each of its idle times: the truth per halted
// interval.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace vmflow::linux_guest {

/// The record is kept between begin and end, on CLOCK_MONOTONIC.
void prepare_idle_trace();
void begin_idle_trace();
void end_idle_trace();

/// Idle time between `begins_ns` and `ends_ns` over all CPUs, by the first interrupt after it:
/// the device's handler (`virtio0-req.0`), else the vector's name (`local_timer`, `reschedule`),
/// `none` if it was none of these. Units: nanoseconds, to the microsecond.
std::map<std::string, int64_t> idle_by_interrupt(int64_t begins_ns, int64_t ends_ns);

/// The same from the text of a trace.
std::map<std::string, int64_t> parse_idle_trace(const std::string& text, int64_t begins_ns,
                                                int64_t ends_ns);

}  // namespace vmflow::linux_guest
