// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vm_use_book.h"

#include <algorithm>
#include <utility>

namespace vmflow {
namespace {

constexpr uint64_t kLookNs = 900'000'000;  // a tick comes a little early now and then
constexpr uint64_t kMarks = 10;

}  // namespace

void VmUseBook::take_in(uint64_t now_ns, VmUsePoint point, uint64_t window_ns) {
  window_ns_ = window_ns;
  if (marks_.empty()) {
    last_ns_ = now_ns;
    marks_.push_back({now_ns, 0, point});
    last_ = std::move(point);
    return;
  }
  if (now_ns < last_ns_ + kLookNs) return;
  const auto used_ns = static_cast<double>((point - last_).wanted_ns);
  most_since_mark_ = std::max(most_since_mark_, used_ns / static_cast<double>(now_ns - last_ns_));
  last_ns_ = now_ns;
  last_ = std::move(point);
  if (now_ns < marks_.back().ns + window_ns / kMarks) return;
  marks_.push_back({now_ns, std::exchange(most_since_mark_, 0), last_});
  while (marks_.size() > 2 && marks_[1].ns + window_ns <= now_ns) marks_.pop_front();
}

VmUse VmUseBook::use(uint32_t vcpus) const {
  if (marks_.empty() || last_ns_ < marks_.front().ns + window_ns_) {
    VmUse unknown;
    unknown.vcpus = vcpus;
    return unknown;
  }
  double most = most_since_mark_;
  for (size_t i = 1; i < marks_.size(); i++) most = std::max(most, marks_[i].most_vcpus);
  return judge_vm_use(last_ - marks_.front().point, last_ns_ - marks_.front().ns, vcpus, most);
}

}  // namespace vmflow
