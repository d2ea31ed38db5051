// SPDX-License-Identifier: GPL-2.0-only
// A TCP socket that clients can connect to.
#pragma once

#include <string>

#include "agent/file_handle.h"
#include "agent/result.h"

namespace vmflow {

/// Without blocking. `port` 0: any that is free.
/// Errors: the address cannot be bound (taken, not ours, no privilege), in words with what to do.
Result<FileHandle> listen_on(const std::string& host, int port);

/// Where `socket` listens.
int port_of(const FileHandle& socket);

/// One client. `peer` is its address, as numbers, for a log.
struct Accepted {
  FileHandle socket;
  std::string peer;
};

/// Without a socket where there is none waiting; errno says why.
Accepted accept_client(const FileHandle& listener);

}  // namespace vmflow
