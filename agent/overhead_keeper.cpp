// SPDX-License-Identifier: GPL-2.0-only
#include "agent/overhead_keeper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "agent/sources/emulated_cpu.h"
#include "agent/sources/monotonic_clock.h"
#include "analysis/flow_names.h"

namespace vmflow {
namespace {

std::string names_of(uint32_t details) {
  std::string names;
  for (uint32_t i = 0; i < FLOW_DETAILS; i++)
    if (details & 1u << i)
      names += fmt::format("{}{}", names.empty() ? "" : ", ",
                           kernel_detail_name(static_cast<flow_detail>(i)));
  return names;
}

GovernorOptions options_of(const Config& config, bool is_off_here) {
  return {.budget_ratio = is_off_here ? std::nullopt : config.overhead_budget,
          .cpus = static_cast<uint32_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)))};
}

}  // namespace

OverheadKeeper::OverheadKeeper(const Config& config)
    : has_recorder_(config.trace.mode == "flight"),
      is_off_here_(config.overhead_budget_is_default && cpu_is_emulated()),
      governor_(options_of(config, is_off_here_)) {}

void OverheadKeeper::tell() const {
  if (is_off_here_)
    spdlog::info(
        "the CPU is emulated, so what a program takes says nothing of hardware: no budget is held "
        "(--overhead.budget sets one)");
}

void OverheadKeeper::tick(BpfPrograms& programs) {
  const auto before = governor_.given_up();
  const bool changed = governor_.tick(monotonic_ns(), programs.costs(), has_recorder_);
  const auto now = governor_.given_up();
  // At every tick: the programs may have been loaded anew.
  programs.give_up(now);
  may_record_ = !(now & 1u << FLOW_DETAIL_RECORDER);
  // At once; that it stays so is the recorder's own business.
  if (!may_record_) programs.set_recording(false);
  if (!changed) return;
  const auto& flow = governor_.flow();
  const auto cost =
      fmt::format("the programs take {:.2g} % of the host's CPU time, the budget is {:.2g} %",
                  flow.cost_ratio * 100, flow.budget_ratio.value_or(0) * 100);
  if (now & ~before)
    spdlog::warn("{}: {} given up until it is kept with ease (--overhead.budget)", cost,
                 names_of(now & ~before));
  else
    spdlog::info("{}: {} told again", cost, names_of(before & ~now));
}

}  // namespace vmflow
