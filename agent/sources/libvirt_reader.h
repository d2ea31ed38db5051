// SPDX-License-Identifier: GPL-2.0-only
// Asks libvirt for its running domains, again and again, and tells each answer in a frame. Made to
// run in a process of its own, since nothing ends a call of libvirt's but the end of the process.
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "agent/sources/isolated_process.h"

namespace vmflow {

/// Shape: `ask_last` holds uuids; a domain that libvirt hung at must not hide the others.
struct LibvirtQuestion {
  std::string uri;
  std::chrono::milliseconds interval;
  std::set<std::string> ask_last;
};

/// Before every call that may hang a frame kProgress with the uuid that it is about, if any; after
/// it kEvents with a domain (domain_frames.h), where a new one came or a minute has passed; after
/// all of them kDone with the uuids of all that run; kProgress goes before the next list.
/// Returns when something fails, which kError tells. A connection is read-only.
void tell_domains(const LibvirtQuestion& question, FrameWriter& out);

/// The socket of libvirtd or virtqemud for reading is on this host.
bool has_libvirt_socket();

}  // namespace vmflow
