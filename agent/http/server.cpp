// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "agent/http/snapshot_routes.h"
#include "agent/version.h"
#include "exporters/api_json.h"

namespace vmflow {
namespace {

constexpr int kThreads = 8;  // slow readers must not keep the next one waiting
constexpr int kIdleSeconds = 5;
constexpr int kMostPerConnection = 10000;
constexpr const char* kText = "text/plain; version=0.0.4; charset=utf-8";

std::string landing_page(const std::string& telemetry_path) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><head><title>vmflow</title></head><body><h1>vmflow</h1>"
      "<p>{}</p><p>Tells from the hypervisor alone, for every VM, where its time goes.</p>"
      "<ul><li><a href=\"{}\">Metrics</a></li><li><a href=\"{}/vms\">VMs</a></li>"
      "<li><a href=\"{}/culprits\">Who takes the CPU from whom</a></li>"
      "<li><a href=\"{}/snapshots\">Snapshots</a></li><li><a "
      "href=\"/-/healthy\">Healthy</a></li>"
      "<li><a href=\"/-/ready\">Ready</a></li></ul></body></html>\n",
      kVersionText, telemetry_path, kApiRoot, kApiRoot, kApiRoot);
}

/// Only the address may be reused, never the port: a second agent must fail, not share the scrapes.
void socket_options(socket_t socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

}  // namespace

struct HttpServer::Running {
  httplib::Server server;
  std::thread thread;

  ~Running() {
    server.stop();
    if (thread.joinable()) thread.join();
  }
};

HttpServer::HttpServer(std::unique_ptr<Running> running) : running_(std::move(running)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;
HttpServer::~HttpServer() = default;

Result<HttpServer> HttpServer::start(const std::string& host, int port,
                                     const std::string& telemetry_path, HttpHandlers handlers) {
  auto running = std::make_unique<Running>();
  auto& server = running->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_socket_options(socket_options);
  server.set_keep_alive_max_count(kMostPerConnection);
  server.set_keep_alive_timeout(1);  // an idle connection must not delay the end
  server.set_read_timeout(kIdleSeconds);
  server.set_write_timeout(kIdleSeconds);
  const auto page = landing_page(telemetry_path);
  server.Get("/", [page](const httplib::Request&, httplib::Response& response) {
    response.set_content(page, "text/html");
  });
  server.Get("/-/healthy", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("healthy\n", "text/plain");
  });
  server.Get("/-/ready",
             [ready = handlers.ready](const httplib::Request&, httplib::Response& response) {
               response.status = ready() ? 200 : 503;
               response.set_content(
                   response.status == 200 ? "ready\n" : "not ready: no program is attached yet\n",
                   "text/plain");
             });
  if (handlers.snapshots != nullptr) serve_snapshots(server, *handlers.snapshots);
  server.Get(std::string(kApiRoot) + "(/.*)", [api = handlers.api](const httplib::Request& request,
                                                                   httplib::Response& response) {
    const auto json = api(request.matches[1]);
    response.status = json ? 200 : 404;
    response.set_content(
        json.value_or(api_error("no such VM or path; see " + std::string(kApiRoot) + "/vms")),
        "application/json");
  });
  // A pattern, so what an operator's path may hold is escaped.
  std::string pattern;
  for (const char c : telemetry_path)
    pattern += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' || c == '-'
                   ? std::string(1, c)
                   : std::string("\\") + c;
  server.Get(pattern,
             [metrics = handlers.metrics](const httplib::Request&, httplib::Response& response) {
               response.set_content(metrics(), kText);
             });
  errno = 0;
  if (!server.bind_to_port(host, port))
    return failure(fmt::format("cannot listen on {}:{}: {}; choose another --web.listen-address",
                               host, port, errno != 0 ? std::strerror(errno) : "no such address"));
  running->thread = std::thread([&server] { server.listen_after_bind(); });
  return HttpServer(std::move(running));
}

}  // namespace vmflow
