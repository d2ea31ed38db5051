// SPDX-License-Identifier: GPL-2.0-only
// Events and trace contents as bytes, between two processes of the same program. The one that reads
// trusts nothing: the one that wrote has read a hostile trace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analysis/event.h"
#include "analysis/trace_contents.h"

namespace vmflow {

/// Appends to `bytes`.
void write_event(const Event& event, std::string& bytes);

/// Takes one event off the front of `bytes`. Absent: these are no events.
std::optional<Event> read_event(std::string_view& bytes);

std::string contents_bytes(const TraceContents& contents);

/// Absent: these are no contents.
std::optional<TraceContents> contents_of(std::string_view bytes);

}  // namespace vmflow
