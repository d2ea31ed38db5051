// SPDX-License-Identifier: GPL-2.0-only
// The names that the kernel's numbers have outside: states, anomalies, losses.
#pragma once

#include <string_view>

#include "bpf/records.h"

namespace vmflow {

/// A state and what it means to who reads a dashboard.
struct StateName {
  std::string_view name;
  std::string_view meaning;
};

/// Source: design of the ledger, bpf/vcpu_flow.h.
StateName state_name(flow_state state);
std::string_view disk_op_name(flow_disk_op op);
std::string_view block_name(flow_block block);
std::string_view culprit_name(flow_culprit culprit);
std::string_view level_name(flow_level level);

/// Can it be what runs next on a CPU that a vCPU has to leave? Interrupts are not, and it is always
/// known.
bool is_preempter(flow_culprit culprit);
std::string_view anomaly_name(flow_anomaly anomaly);
std::string_view loss_name(flow_loss loss);

/// What the programs can do without.
std::string_view kernel_detail_name(flow_detail detail);

}  // namespace vmflow
