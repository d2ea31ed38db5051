// SPDX-License-Identifier: GPL-2.0-only
// One thing that can be set: a text, a number or a switch, under one name everywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "agent/config.h"
#include "agent/one_line.h"
#include "agent/result.h"

namespace vmflow {

using Text = std::function<Result<void>(Config&, const std::string&)>;
using Number = std::function<Result<void>(Config&, int64_t)>;
using Switch = std::function<Result<void>(Config&, bool)>;

struct Setting {
  std::string key;
  std::string help;
  std::variant<Text, Number, Switch> set;
  bool takes_number = false;  ///< of a text: in the file it may stand as a number, too
};

Result<void> set_one_of(std::string& target, std::string_view key, const std::string& value,
                        std::initializer_list<std::string_view> choices);

/// Those of what VMs use.
std::vector<Setting> use_settings();

/// Those of libvirt.
std::vector<Setting> libvirt_settings();

/// Those of what vmflowd may cost.
std::vector<Setting> overhead_settings();

/// Those of triggers and traces.
std::vector<Setting> trace_settings();

}  // namespace vmflow
