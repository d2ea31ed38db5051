// SPDX-License-Identifier: GPL-2.0-only
// The part of the API that lists and takes snapshots. Knows no socket.
#pragma once

#include <cstddef>
#include <string>

#include "agent/http/answer.h"
#include "agent/trigger/triggers.h"

namespace vmflow {

/// Threads: all from any; each answers at once.
class SnapshotApi {
 public:
  SnapshotApi(Triggers& triggers, bool enable_admin_api)
      : triggers_(triggers), enable_admin_api_(enable_admin_api) {}

  /// GET /api/v1/snapshots.
  HttpAnswer list() const;
  /// GET /api/v1/snapshots/{id}.
  HttpAnswer get(const std::string& id) const;
  /// POST /api/v1/snapshots, {"reason": text, "vm": label or name}; the latter may be left out.
  /// Answers 202 with the id, 409 busy or off, 429 too soon, 507 no room, 404 no such VM.
  HttpAnswer take(const std::string& content_type, const std::string& body);
  /// POST /api/v1/alertmanager, version 4 of Alertmanager's webhook: each alert that is firing and
  /// has a label `vm` asks for a snapshot of that VM. Answers 200 whatever becomes of them, lest
  /// Alertmanager send them again.
  HttpAnswer alertmanager(const std::string& body);

 private:
  Triggers& triggers_;
  const bool enable_admin_api_;
};

}  // namespace vmflow
