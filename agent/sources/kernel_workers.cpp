// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/kernel_workers.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <sstream>
#include <utility>

#include "agent/sources/proc_files.h"
#include "agent/sources/thread_times.h"

namespace vmflow {
namespace {

constexpr int kKthreadd = 2;  // all other kernel threads are its children
constexpr std::string_view kVhost = "vhost-";
constexpr uint32_t kUnnamed = UINT32_MAX;  // not to be remembered

uint32_t number_in(std::string_view text) {
  uint32_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() ? number : 0;
}

}  // namespace

// One file lists them; without CONFIG_PROC_CHILDREN all of /proc does.
std::vector<uint32_t> KernelWorkers::kernel_threads() const {
  std::vector<uint32_t> threads;
  const auto children = fmt::format("{0}/{1}/task/{1}/children", proc_, kKthreadd);
  std::error_code failed;
  if (std::filesystem::exists(children, failed)) {
    std::istringstream list(read_proc_file(children));
    for (uint32_t tid = 0; list >> tid;) threads.push_back(tid);
    return threads;
  }
  for (std::filesystem::directory_iterator entry(proc_, failed), end; !failed && entry != end;
       entry.increment(failed))
    if (const auto tid = number_in(entry->path().filename().native())) threads.push_back(tid);
  return threads;
}

uint32_t KernelWorkers::owner_of(uint32_t tid) const {
  const auto stat = read_proc_file(fmt::format("{}/{}/stat", proc_, tid));
  const auto opened = stat.find('('), closed = stat.rfind(')');
  if (opened == std::string::npos || closed == std::string::npos) return kUnnamed;
  const auto name = std::string_view(stat).substr(opened + 1, closed - opened - 1);
  // A new one has kthreadd's name until it gets its own.
  if (name == "kthreadd" && tid != kKthreadd) return kUnnamed;
  if (!name.starts_with(kVhost)) return 0;
  char state = 0;
  int parent = 0;
  std::istringstream(stat.substr(closed + 1)) >> state >> parent;
  if (parent != kKthreadd) return 0;
  const auto status =
      read_proc_file(fmt::format("{}/{}/status", proc_, number_in(name.substr(kVhost.size()))));
  constexpr std::string_view kTgid = "\nTgid:\t";
  const auto at = status.find(kTgid);
  return at == std::string::npos ? 0
                                 : number_in(std::string_view(status).substr(at + kTgid.size()));
}

void KernelWorkers::add_to(std::map<uint32_t, std::vector<ThreadReading>>& threads) {
  std::map<uint32_t, uint32_t> now;
  for (const auto tid : threads.empty() ? std::vector<uint32_t>{} : kernel_threads()) {
    const auto known = owners_.find(tid);
    const auto owner = known == owners_.end() ? owner_of(tid) : known->second;
    if (owner != kUnnamed) now[tid] = owner;
  }
  owners_ = std::move(now);
  for (const auto& [tid, owner] : owners_) {
    const auto process = owner == 0 ? threads.end() : threads.find(owner);
    if (process == threads.end()) continue;
    if (auto thread = read_thread(fmt::format("{}/{}", proc_, tid), tid))
      process->second.push_back(std::move(*thread));
  }
}

}  // namespace vmflow
