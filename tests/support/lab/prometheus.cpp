// SPDX-License-Identifier: GPL-2.0-only
#include "prometheus.h"

#include <httplib.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "agent_process.h"
#include "new_folder.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr double kMostToStart = 60;

std::string loopback(int port) {
  return "127.0.0.1:" + std::to_string(port);
}

/// A shipped file with some of its texts changed. Errors: throws if one is not there, so that what
/// runs here stays what is shipped.
std::string shipped(const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& changes) {
  std::ifstream file(fs::path(ALERTS_DIR) / name);
  std::stringstream all;
  all << file.rdbuf();
  auto text = all.str();
  for (const auto& [from, to] : changes) {
    size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error(name + " has no " + from);
    for (; at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }
  return text;
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

Json get(int port, const std::string& path) {
  httplib::Client client("127.0.0.1", port);
  client.set_read_timeout(60);
  const auto answer = client.Get(path);
  if (!answer) throw std::runtime_error(path + ": " + httplib::to_string(answer.error()));
  if (answer->status != 200) throw std::runtime_error(path + ": " + answer->body);
  return Json::parse(answer->body);
}

void wait_until_ready(int port, Process& process) {
  const Stopwatch watch;
  for (;;) {
    const auto answer = httplib::Client("127.0.0.1", port).Get("/-/ready");
    if (answer && answer->status == 200) return;
    if (!process.is_running() || watch.seconds() > kMostToStart)
      throw std::runtime_error("not ready: " + process.err());
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Alert alert_of(const Json& labels) {
  return {labels.value("alertname", ""), labels.value("severity", ""), labels.value("name", ""),
          labels.value("instance", "")};
}

std::vector<std::string> alertmanager_command(int port, int agent_port) {
  const fs::path folder = new_folder("alertmanager");
  write(folder / "alertmanager.yml",
        shipped("alertmanager.yml", {{"127.0.0.1:9752", loopback(agent_port)},
                                     {"group_wait: 30s", "group_wait: 1s"},
                                     {"group_interval: 5m", "group_interval: 5s"}}));
  return {"prometheus-alertmanager", "--config.file=" + (folder / "alertmanager.yml").string(),
          "--storage.path=" + folder.string(), "--web.listen-address=" + loopback(port),
          "--cluster.listen-address="};
}

std::vector<std::string> prometheus_command(int port, const std::string& data,
                                            const std::vector<int>& agent_ports,
                                            int alertmanager_port) {
  const fs::path folder = new_folder("prometheus");
  const auto rules = run({SHORT_RULES});
  if (rules.status != 0) throw std::runtime_error(rules.err);
  write(folder / "rules.yml", rules.out);
  std::string targets;
  for (const int agent : agent_ports)
    targets += (targets.empty() ? "\"" : ", \"") + loopback(agent) + "\"";
  write(folder / "prometheus.yml",
        shipped("prometheus.yml", {{"_interval: 15s", "_interval: 5s"},
                                   {"  - recording_rules.yml\n  - alerts.yml", "  - rules.yml"},
                                   {"127.0.0.1:9093", loopback(alertmanager_port)},
                                   {"\"127.0.0.1:9752\"", targets}}));
  return {"prometheus", "--config.file=" + (folder / "prometheus.yml").string(),
          "--storage.tsdb.path=" + data, "--web.listen-address=" + loopback(port)};
}

}  // namespace

std::string text_of(const Alert& alert) {
  auto text = alert.name + " (" + alert.severity + ")";
  return text + " of " + (alert.vm_name.empty() ? alert.instance : alert.vm_name);
}

Alertmanager::Alertmanager(int agent_port)
    : port_(free_port()), process_(alertmanager_command(port_, agent_port)) {
  wait_until_ready(port_, process_);
}

std::set<Alert> Alertmanager::alerts() {
  std::set<Alert> all;
  const auto answer = get(port_, "/api/v2/alerts?active=true");
  for (const auto& alert : answer) all.insert(alert_of(alert["labels"]));
  return all;
}

Prometheus::Prometheus(const std::vector<int>& agent_ports, int alertmanager_port)
    : port_(free_port()),
      data_(new_folder("tsdb")),
      process_(prometheus_command(port_, data_, agent_ports, alertmanager_port)) {
  wait_until_ready(port_, process_);
}

std::set<Alert> Prometheus::firing() {
  std::set<Alert> all;
  const auto answer = get(port_, "/api/v1/alerts");
  for (const auto& alert : answer["data"]["alerts"])
    if (alert["state"] == "firing") all.insert(alert_of(alert["labels"]));
  return all;
}

void Prometheus::stop_and_keep(const std::string& folder) {
  process_.signal(SIGTERM);
  if (!process_.wait(std::chrono::minutes(1)))
    throw std::runtime_error("Prometheus does not end: " + process_.err());
  fs::remove(data_ + "/lock");
  must({"cp", "-r", "--no-preserve=all", data_, folder});
}

}  // namespace vmflow::lab
