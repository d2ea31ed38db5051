// SPDX-License-Identifier: GPL-2.0-only
// Where the calls of SnapshotApi are served.
#pragma once

#include "agent/http/snapshot_api.h"

namespace httplib {
class Server;
}

namespace vmflow {

/// To be called before any pattern that would match their paths too.
void serve_snapshots(httplib::Server& server, SnapshotApi& api);

}  // namespace vmflow
