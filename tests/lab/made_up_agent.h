// SPDX-License-Identifier: GPL-2.0-only
// A page that no sound agent serves: what shows that vmflow's own numbers are wrong cannot be had
// from one.
#pragma once

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <string>
#include <thread>

#include "stopwatch.h"

namespace vmflow::lab {

/// Serves it at a port of loopback until destroyed: a ledger that loses a fifth of a VM's time,
/// events that contradict one another, a trace that the counters disagree with.
class MadeUpAgent {
 public:
  MadeUpAgent() : port_(server_.bind_to_any_port("127.0.0.1")) {
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(page(), "text/plain; version=0.0.4");
    });
    thread_ = std::jthread([this] { server_.listen_after_bind(); });
  }
  ~MadeUpAgent() { server_.stop(); }
  MadeUpAgent(const MadeUpAgent&) = delete;
  MadeUpAgent& operator=(const MadeUpAgent&) = delete;
  int port() const { return port_; }

 private:
  std::string page() const {
    const double seconds = watch_.seconds();
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    return fmt::format(R"(# TYPE vmflow_build_info gauge
vmflow_build_info{{version="made-up",revision="none"}} 1
# TYPE vmflow_vm_info gauge
vmflow_vm_info{{vm="made-up",name="made-up",uuid="",vmm="",pid="1"}} 1
# TYPE vmflow_vm_vcpu_seconds_total counter
vmflow_vm_vcpu_seconds_total{{vm="made-up",state="guest"}} {0}
# TYPE vmflow_vm_vcpu_unaccounted_seconds_total counter
vmflow_vm_vcpu_unaccounted_seconds_total{{vm="made-up"}} {1}
# TYPE vmflow_ledger_anomalies_total counter
vmflow_ledger_anomalies_total{{anomaly="stale_wakeup"}} {0}
# TYPE vmflow_fusion_disagreement_ratio gauge
vmflow_fusion_disagreement_ratio{{quantity="state_seconds"}} 0.5
# TYPE vmflow_trace_backend_available gauge
vmflow_trace_backend_available{{backend="ring"}} 0
# TYPE vmflow_trace_last_snapshot_timestamp_seconds gauge
vmflow_trace_last_snapshot_timestamp_seconds{{trigger="http"}} {2}
)",
                       seconds, seconds / 5, now.count());
  }

  Stopwatch watch_;
  httplib::Server server_;
  int port_;
  std::jthread thread_;
};

}  // namespace vmflow::lab
