// SPDX-License-Identifier: GPL-2.0-only
// A cgroup (version 2) of a test, in a hierarchy mounted for it.
#pragma once

#include <sys/mount.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "kernel_file.h"

namespace vmflow::lab {

class Cgroup {
 public:
  /// With `controller`. Errors: all throw std::runtime_error.
  explicit Cgroup(const std::string& controller, const std::string& name = "vm")
      : folder_(kRoot / name) {
    std::filesystem::create_directories(kRoot);
    if (!std::filesystem::exists(kRoot / "cgroup.controllers") &&
        mount("none", kRoot.c_str(), "cgroup2", 0, nullptr) != 0)
      throw std::runtime_error("cannot mount cgroup2");
    write_kernel_file(kRoot / "cgroup.subtree_control", "+" + controller);
    std::filesystem::create_directory(folder_);
  }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup() {
    std::error_code ignored;
    std::filesystem::remove(folder_, ignored);
  }

  void set(const std::string& file, const std::string& text) {
    write_kernel_file(folder_ / file, text);
  }
  void take(pid_t pid) { set("cgroup.procs", std::to_string(pid)); }
  static void leave(pid_t pid) { write_kernel_file(kRoot / "cgroup.procs", std::to_string(pid)); }
  /// The number that stands behind `key` in `file`, after a blank or an equals sign; the first one
  /// of a file that holds nothing else, for no key.
  uint64_t number(const std::string& file, const std::string& key = "") const {
    std::ifstream in(folder_ / file);
    std::stringstream all;
    all << in.rdbuf();
    auto text = " " + all.str();
    for (auto& c : text)
      if (c == '=' || c == '\n') c = ' ';
    const auto at = text.find(" " + key + " ");
    if (key.empty()) return std::stoull(text);
    if (at == std::string::npos) throw std::runtime_error(file + " has no " + key);
    return std::stoull(text.substr(at + key.size() + 2));
  }

 private:
  inline static const std::filesystem::path kRoot = "/run/cgroup-test";
  std::filesystem::path folder_;
};

}  // namespace vmflow::lab
