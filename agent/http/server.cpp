// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <cctype>
#include <optional>
#include <utility>

#include "agent/http/connection_loop.h"
#include "agent/http/gzip.h"
#include "agent/http/listening_socket.h"
#include "agent/http/request_answerer.h"
#include "agent/http/snapshot_routes.h"
#include "agent/http/web_config_file.h"
#include "agent/version.h"
#include "exporters/api_json.h"

namespace vmflow {
namespace {

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

/// A pattern, so what an operator's path may hold is escaped.
std::string pattern_of(const std::string& path) {
  std::string pattern;
  for (const char c : path)
    pattern += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' || c == '-'
                   ? std::string(1, c)
                   : std::string("\\") + c;
  return pattern;
}

bool wants_gzip(const httplib::Request& request) {
  return request.has_header(kAcceptsGzip);
}

void send(httplib::Response& response, const std::string& body, bool is_gzip, const char* type) {
  if (is_gzip) response.set_header("Content-Encoding", "gzip");
  response.set_header("Vary", "Accept-Encoding");
  response.set_content(body, type);
}

void serve_pages(httplib::Server& server, const std::string& telemetry_path,
                 const HttpHandlers& handlers) {
  server.Get("/", [page = landing_page(telemetry_path)](const auto&, auto& response) {
    response.set_content(page, "text/html");
  });
  server.Get("/-/healthy",
             [](const auto&, auto& response) { response.set_content("healthy\n", "text/plain"); });
  server.Get("/-/ready", [ready = handlers.ready](const auto&, auto& response) {
    response.status = ready() ? 200 : 503;
    response.set_content(
        response.status == 200 ? "ready\n" : "not ready: no program is attached yet\n",
        "text/plain");
  });
  if (handlers.snapshots != nullptr) serve_snapshots(server, *handlers.snapshots);
  server.Get(std::string(kApiRoot) + "(/.*)", [api = handlers.api](const httplib::Request& request,
                                                                   auto& response) {
    const auto json = api(request.matches[1]);
    response.status = json ? 200 : 404;
    const auto body =
        json.value_or(api_error("no such VM or path; see " + std::string(kApiRoot) + "/vms"));
    const bool zips = wants_gzip(request);
    send(response, zips ? gzip(body) : body, zips, "application/json");
  });
  server.Get(pattern_of(telemetry_path),
             [metrics = handlers.metrics](const httplib::Request& request, auto& response) {
               const auto page = metrics();
               const bool zips = wants_gzip(request);
               send(response, zips ? page->gzipped() : page->text(), zips, kText);
             });
}

}  // namespace

struct HttpServer::Running {
  RequestAnswerer answerer;
  int port = 0;
  bool has_tls = false;
  std::optional<ConnectionLoop> loop;  // last: it asks the answerer until it has ended
};

HttpServer::HttpServer(std::unique_ptr<Running> running) : running_(std::move(running)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;
HttpServer::~HttpServer() = default;

Result<HttpServer> HttpServer::start(const HttpSettings& settings, HttpHandlers handlers) {
  auto config = WebConfigFile::open(settings.web_config_file);
  if (!config) return tl::unexpected(config.error());
  auto listener = listen_on(settings.host, settings.port);
  if (!listener) return tl::unexpected(listener.error());
  auto running = std::make_unique<Running>();
  running->port = port_of(*listener);
  running->has_tls = (*config)->current()->tls != nullptr;
  serve_pages(running->answerer, settings.telemetry_path, handlers);
  running->loop.emplace(
      std::move(*listener), std::move(*config),
      [&answerer = running->answerer](const RequestHead& head, std::string body) {
        return answerer.answer(head, std::move(body));
      },
      settings.limits);
  return HttpServer(std::move(running));
}

int HttpServer::port() const {
  return running_->port;
}

bool HttpServer::has_tls() const {
  return running_->has_tls;
}

WebFlow HttpServer::flow() const {
  return running_->loop->flow();
}

}  // namespace vmflow
