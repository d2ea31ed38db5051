// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/nested_visit.h"

#include <optional>
#include <utility>

namespace vmflow {
namespace {

/// Twin of nested_flow.h: what is pending after a reflected exit is the guest's if it is entered
/// next.
class Visits {
 public:
  void take(const NestedChange& change) {
    switch (change.step) {
      case NestedStep::kEnters:
        return enter(change);
      case NestedStep::kReflected:
        reflected_ns_ = change.ns;
        left_with_ = change.exit_index;
        return;
      case NestedStep::kHalts:
        if (open_ && reflected_ns_) close(*reflected_ns_, left_with_);
        halted_ = true;
        return;
      case NestedStep::kLost:
        if (open_) close(change.ns, FLOW_EXIT_NONE);
        return;
    }
  }

  std::vector<NestedVisit> all(uint64_t end_ns) && {
    if (open_) close(reflected_ns_.value_or(end_ns), left_with_);
    return std::move(visits_);
  }

 private:
  void enter(const NestedChange& change) {
    if (open_ && open_->vmcb12 == change.vmcb12) {
      reflected_ns_.reset();
      left_with_ = FLOW_EXIT_NONE;
      return;
    }
    if (open_) close(reflected_ns_.value_or(change.ns), left_with_);
    open_ = NestedVisit{.vmcb12 = change.vmcb12,
                        .begin_ns = change.ns,
                        .after_halt = std::exchange(halted_, false)};
    if (visits_.empty()) return;
    open_->before = visits_.back().vmcb12;
    open_->before_left_with = visits_.back().left_with;
  }

  void close(uint64_t ns, uint32_t left_with) {
    open_->end_ns = ns;
    open_->left_with = left_with;
    // Of events out of order nothing is told.
    if (open_->end_ns > open_->begin_ns) visits_.push_back(*open_);
    open_.reset();
    reflected_ns_.reset();
    left_with_ = FLOW_EXIT_NONE;
  }

  std::vector<NestedVisit> visits_;
  std::optional<NestedVisit> open_;
  std::optional<uint64_t> reflected_ns_;
  uint32_t left_with_ = FLOW_EXIT_NONE;
  bool halted_ = false;
};

}  // namespace

std::vector<NestedVisit> nested_visits(const ReplayedVcpu& vcpu) {
  Visits visits;
  for (const auto& change : vcpu.nested) visits.take(change);
  return std::move(visits).all(vcpu.intervals.empty() ? 0 : vcpu.intervals.back().end_ns);
}

}  // namespace vmflow
