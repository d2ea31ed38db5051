// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/snapshot_routes.h"

#include <httplib.h>

#include <string>

#include "exporters/api_json.h"

namespace vmflow {
namespace {

void send(httplib::Response& response, const HttpAnswer& answer) {
  response.status = answer.status;
  if (answer.retry_after_seconds != 0)
    response.set_header("Retry-After", std::to_string(answer.retry_after_seconds));
  response.set_content(answer.json, "application/json");
}

}  // namespace

void serve_snapshots(httplib::Server& server, SnapshotApi& api) {
  const std::string all = std::string(kApiRoot) + "/snapshots";
  server.Get(all, [&api](const httplib::Request&, httplib::Response& response) {
    send(response, api.list());
  });
  server.Get(all + "/([^/]+)",
             [&api](const httplib::Request& request, httplib::Response& response) {
               send(response, api.get(request.matches[1]));
             });
  server.Post(all, [&api](const httplib::Request& request, httplib::Response& response) {
    send(response, api.take(request.get_header_value("Content-Type"), request.body));
  });
  server.Post(std::string(kApiRoot) + "/alertmanager",
              [&api](const httplib::Request& request, httplib::Response& response) {
                send(response, api.alertmanager(request.body));
              });
}

}  // namespace vmflow
