// SPDX-License-Identifier: GPL-2.0-only
// A real Prometheus and a real Alertmanager of a test, with the configurations and rules that are
// shipped.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "process.h"

namespace vmflow::lab {

/// One alert, as Prometheus or Alertmanager tells it.
struct Alert {
  std::string name, severity, vm_name, instance;
  auto operator<=>(const Alert&) const = default;
};
std::string text_of(const Alert& alert);

/// Alertmanager with exporters/alerts/alertmanager.yml, which calls the agent at `agent_port` for a
/// snapshot; it groups for a second, not for minutes. Errors: all throw std::runtime_error.
class Alertmanager {
 public:
  explicit Alertmanager(int agent_port);
  int port() const { return port_; }
  /// What it holds as active.
  std::set<Alert> alerts();

 private:
  int port_;
  Process process_;
};

/// Prometheus with exporters/alerts/prometheus.yml and the rules, of which nobody waits a quarter
/// of an hour (tests/exporters/short_rules.sh). Errors: all throw std::runtime_error.
class Prometheus {
 public:
  /// Scrapes the agents at these ports of loopback.
  Prometheus(const std::vector<int>& agent_ports, int alertmanager_port);
  int port() const { return port_; }
  std::set<Alert> firing();
  /// Ends it; its data go to `folder`, which another Prometheus can open.
  void stop_and_keep(const std::string& folder);

 private:
  int port_;
  std::string data_;
  Process process_;
};

}  // namespace vmflow::lab
