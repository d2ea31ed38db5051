// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: the HTTP surface.
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"
#include "analysis/web_flow.h"

namespace vmflow {

std::string_view refusal_name(HttpRefusal refusal) {
  switch (refusal) {
    case HttpRefusal::kPlainHttp:
      return "plain_http";
    case HttpRefusal::kTlsHandshake:
      return "tls_handshake";
    case HttpRefusal::kClientCertificate:
      return "client_certificate";
    case HttpRefusal::kCredentials:
      return "credentials";
    case HttpRefusal::kMalformed:
      return "malformed";
    case HttpRefusal::kHeaderTooLarge:
      return "header_too_large";
    case HttpRefusal::kBodyTooLarge:
      return "body_too_large";
    case HttpRefusal::kSlow:
      return "slow";
    case HttpRefusal::kOverload:
      return "overload";
    case HttpRefusal::kRate:
      return "rate";
  }
  return "unknown";
}

namespace {

void refused(const FlowModel& model, SampleSink& samples) {
  for (uint32_t i = 0; i < kHttpRefusals; i++)
    samples.add({refusal_name(static_cast<HttpRefusal>(i))}, number(model.web.refused[i]));
}

void connections(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.web.connections));
}

void reload_successful(const FlowModel& model, SampleSink& samples) {
  if (!model.web.has_config) return;
  samples.add({}, model.web.last_reload_successful ? 1.0 : 0.0);
}

void reload_time(const FlowModel& model, SampleSink& samples) {
  if (!model.web.has_config) return;
  samples.add({}, model.web.last_reload_unix_seconds);
}

}  // namespace

std::vector<Metric> web_metrics() {
  return {
      {"vmflow_http_refused_total",
       kCounter,
       {"reason"},
       "Clients that were not served, by why.",
       kAgent,
       kExact,
       refused},
      {"vmflow_http_connections",
       kGauge,
       {},
       "Connections of clients that are open.",
       kNow,
       kExact,
       connections},
      {"vmflow_web_config_last_reload_successful",
       kGauge,
       {},
       "1 if the file of --web.config.file, and what it names, could be used as it is now; 0 while "
       "an older one is in use.",
       kNow,
       "a change counts once it is looked for: with the next request, or a second later",
       reload_successful},
      {"vmflow_web_config_last_reload_success_timestamp_seconds",
       kGauge,
       {},
       "When the file of --web.config.file was last read and could be used.",
       kWall,
       kExact,
       reload_time},
  };
}

}  // namespace vmflow
