// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/vms_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/cli/cell_text.h"
#include "agent/cli/vm_watch.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kColumns = 8, kNameWidth = 40;
using Cells = std::array<std::string, kColumns>;

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

Cells cells(const VmCounters& vm) {
  return {cut_to(in_cells(vm.id), kNameWidth),
          or_dash(cut_to(in_cells(vm.name), kNameWidth)),
          fmt::format("{}", vm.pid),
          fmt::format("{}", vm.vcpus),
          vm.start_unix_seconds ? utc_text(*vm.start_unix_seconds) : "-",
          or_dash(in_cells(vm.use)),
          or_dash(in_cells(vm.cause)),
          or_dash(in_cells(vm.sentence))};
}

Json or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace

std::string vms_text(const VmsLook& look) {
  std::vector<Cells> lines{{"LABEL", "NAME", "PID", "VCPU", "SINCE", "USE", "CAUSE", "WHY"}};
  for (const auto& vm : look.vms) lines.push_back(cells(vm));
  std::array<size_t, kColumns> widths{};
  for (const auto& line : lines)
    for (size_t i = 0; i < kColumns; i++) widths[i] = std::max(widths[i], cell_width(line[i]));
  std::string text;
  for (const auto& line : lines) {
    for (size_t i = 0; i + 1 < kColumns; i++) text += left_in(line[i], widths[i]) + "  ";
    text += line.back() + "\n";
  }
  return text;
}

std::string vms_json(const VmsLook& look) {
  auto vms = Json::array();
  for (const auto& vm : look.vms)
    vms.push_back(
        {{"id", vm.id},
         {"name", vm.name},
         {"vmm", vm.vmm},
         {"pid", vm.pid},
         {"vcpus", vm.vcpus},
         {"since", vm.start_unix_seconds ? Json(utc_text(*vm.start_unix_seconds)) : Json()},
         {"use", or_null(vm.use)},
         {"use_sentence", or_null(vm.use_sentence)},
         {"cause", or_null(vm.cause)},
         {"share", vm.cause_share ? Json(*vm.cause_share) : Json()},
         {"sentence", or_null(vm.sentence)}});
  return vms.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vmflow
