// SPDX-License-Identifier: GPL-2.0-only
// The network header in LTTng's events of packets: variants in variants.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <optional>

#include "analysis/event.h"

namespace vmflow {

/// Shape:  `network_header` is a variant field.
/// Errors: none; absent if it is no TCP, not its first fragment, its lengths contradict one
///         another, or the trace has another shape: whatever is in a trace, nothing is read that is
///         not there.
/// Source: metadata of LTTng 2.13; include/instrumentation/events/net.h of lttng-modules.
std::optional<TcpSegment> segment_in(const bt_field* network_header);

}  // namespace vmflow
