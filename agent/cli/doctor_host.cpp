// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/doctor_host.h"

#include <fmt/format.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/cli/doctor_metrics.h"
#include "agent/config.h"
#include "agent/sources/babeltrace.h"
#include "agent/sources/isolated_call.h"
#include "agent/sources/proc_files.h"
#include "agent/trigger/lttng_client.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kForAgent{8000}, kForFiles{3000};
constexpr size_t kMostLines = 200;

bool is_kept(std::string_view line) {
  const auto name = line.substr(0, line.find_first_of("{ "));
  return std::ranges::find(kDoctorMetrics, name) != kDoctorMetrics.end();
}

// A server that sends a byte now and then would keep any reader: only a process can be given up.
AgentWords ask_for_words(const AgentAddress& address, const std::string& metrics_path) {
  const auto bytes = call_isolated(kForAgent, [&]() -> Result<std::string> {
    HttpAgentClient client(address);
    const auto words = agent_words(client, metrics_path);
    return Json({{"problem", words.problem}, {"ready", words.is_ready}, {"lines", words.lines}})
        .dump(-1, ' ', false, Json::error_handler_t::replace);
  });
  if (!bytes) return {.problem = address.url + ": " + bytes.error().message, .lines = {}};
  const auto json = Json::parse(*bytes, nullptr, false);
  if (json.is_discarded()) return {.problem = address.url + ": the answer is cut off", .lines = {}};
  return {json.at("problem"), json.at("ready"), json.at("lines")};
}

/// Of the file system that `folder` is on, or will be.
std::optional<uint64_t> free_bytes(std::filesystem::path folder) {
  const auto bytes = call_isolated(kForFiles, [&]() -> Result<std::string> {
    std::error_code failed;
    while (!std::filesystem::exists(folder, failed) && folder.has_relative_path())
      folder = folder.parent_path();
    const auto space = std::filesystem::space(folder, failed);
    if (failed) return failure(failed.message());
    return fmt::format("{}", space.available);
  });
  if (!bytes) return std::nullopt;
  return std::stoull(*bytes);
}

/// Defaults where there is no file. Errors: what is in it is wrong.
Result<void> read_settings(const std::string& file, Config& config) {
  std::error_code ignored;  // a pipe would keep the reader waiting
  if (!std::filesystem::is_regular_file(file, ignored) || access(file.c_str(), R_OK) != 0)
    return {};
  return apply_json(read_proc_file(file), config);
}

/// Beside this program, or wherever the shell finds it.
std::string vmflowd_path() {
  std::error_code failed;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto beside = own.parent_path() / "vmflowd";
  return !failed && std::filesystem::exists(beside, failed) ? beside.string() : "vmflowd";
}

std::optional<bool> clock_is_synchronised() {
  timex look{};  // modes 0: only reads
  if (adjtimex(&look) < 0) return std::nullopt;
  return (look.status & STA_UNSYNC) == 0;
}

}  // namespace

AgentWords agent_words(AgentClient& agent, const std::string& metrics_path) {
  AgentWords words;
  const auto page = agent.get(metrics_path);
  if (!page) return {.problem = page.error().message, .lines = {}};
  if (page->status != 200)
    return {.problem = fmt::format("its metrics answer with status {}", page->status), .lines = {}};
  std::istringstream lines(page->json);
  for (std::string line; words.lines.size() < kMostLines && std::getline(lines, line);)
    if (is_kept(line)) words.lines.push_back(line.substr(0, 400));
  const auto ready = agent.get("/-/ready");
  words.is_ready = ready && ready->status == 200;
  return words;
}

DoctorHost gather_host(const DoctorOrder& order) {
  DoctorHost host;
  Config config;
  host.agent_url = order.agent.url;
  host.settings = read_settings(order.config_file, config);
  host.settings_are_readable = access(order.config_file.c_str(), R_OK) == 0 || errno != EACCES;
  if (!host.settings)
    host.settings =
        failure(fmt::format("{}: {}", order.config_file, host.settings.error().message));
  host.vmflowd = vmflowd_path();
  if (order.ask_agent) host.agent = ask_for_words(order.agent, config.telemetry_path);
  host.kernel = probe_kernel();
  host.may_load_programs = check_privilege();
  host.lttng = LttngClient({.ask = kForFiles}).alive();
  if (const auto plugin = bt::find_plugin("ctf"); !plugin)
    host.ctf_plugin = tl::unexpected(plugin.error());
  constexpr uint64_t kMib = 1 << 20;
  host.snapshots = {.folder = config.trace.dir,
                    .least_free_bytes = config.trace.min_free_mib * kMib,
                    .most_bytes = config.trace.quota_mib * kMib,
                    .free_bytes = free_bytes(config.trace.dir)};
  host.max_vcpus = config.max_vcpus;
  host.cpus = static_cast<unsigned>(std::max(1L, sysconf(_SC_NPROCESSORS_CONF)));
  host.clock_is_synchronised = clock_is_synchronised();
  return host;
}

}  // namespace vmflow
