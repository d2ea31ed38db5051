// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: how fresh the names are that libvirt tells. None of them while it is not
// asked.
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

// By LibvirtError.
constexpr std::array<std::string_view, kLibvirtErrors> kErrors = {"library",   "connect", "call",
                                                                  "no_answer", "died",    "xml"};

void libvirt_success(const FlowModel& model, SampleSink& samples) {
  const auto& libvirt = model.agent.libvirt;
  if (libvirt) samples.add({}, libvirt->success ? 1.0 : 0.0);
}

void libvirt_age(const FlowModel& model, SampleSink& samples) {
  const auto& libvirt = model.agent.libvirt;
  if (libvirt && libvirt->age_seconds) samples.add({}, *libvirt->age_seconds);
}

void libvirt_domains(const FlowModel& model, SampleSink& samples) {
  const auto& libvirt = model.agent.libvirt;
  if (libvirt && libvirt->age_seconds) samples.add({}, number(libvirt->domains));
}

void libvirt_errors(const FlowModel& model, SampleSink& samples) {
  if (!model.agent.libvirt) return;
  for (size_t i = 0; i < kLibvirtErrors; i++)
    samples.add({kErrors[i]}, number(model.agent.libvirt->errors[i]));
}

}  // namespace

std::vector<Metric> libvirt_metrics() {
  return {
      {"vmflow_libvirt_success",
       kGauge,
       {},
       "1 if libvirt has answered the latest question for its domains, wholly and in time.",
       kNow,
       "absent while libvirt is not asked: --libvirt.uri off, or auto without a socket; a hung "
       "libvirtd is noticed after 10 s",
       libvirt_success},
      {"vmflow_libvirt_answer_age_seconds",
       kGauge,
       {},
       "How old the titles and metadata in vmflow_vm_info are: since libvirt's newest whole "
       "answer.",
       "CLOCK_MONOTONIC",
       "absent until there was one; what a domain's own metadata says may be a minute older",
       libvirt_age},
      {"vmflow_libvirt_domains",
       kGauge,
       {},
       "Domains that ran, in that answer.",
       kAgent,
       "absent as its age",
       libvirt_domains},
      {"vmflow_libvirt_errors_total",
       kCounter,
       {"reason"},
       "Questions to libvirt that failed: no library, no connection, a call that it refused, no "
       "answer in time, the process that asks died, metadata that is no XML.",
       kAgent,
       kExact,
       libvirt_errors},
  };
}

}  // namespace vmflow
