// SPDX-License-Identifier: GPL-2.0-only
// How many series a large host costs whoever stores them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/metric_catalog.h"
#include "exporters/prometheus_text.h"
#include "tests/analysis/hand_made_model.h"
#include "tests/exporters/golden.h"

namespace vmflow::test {
namespace {

/// Lines that are series, as Prometheus counts them.
uint64_t series_in(const std::string& page) {
  return static_cast<uint64_t>(std::ranges::count_if(
      lines_of(page), [](const auto& line) { return !line.empty() && line[0] != '#'; }));
}

/// 210 VMs, of which 119 have two vCPUs; all of them are `vm`.
FlowModel large_host(const VmFlow& vm) {
  auto model = hand_made_model();
  model.vms.clear();
  for (int i = 0; i < 210; i++) {
    auto one = vm;
    one.label = fmt::format("{:08x}-5f8d-4ba6-9d2c-d37a30fe1b20", i);
    one.vcpus = i < 119 ? 2 : 1;
    if (one.vcpus == 2) {
      one.per_vcpu.push_back(one.per_vcpu[0]);
      one.per_vcpu[1].vcpu_id = 1;
    }
    model.vms.push_back(std::move(one));
  }
  return model;
}

/// What QEMU with a disk and a tap has after a while: nine exit reasons, three roles of threads.
VmFlow usual_vm() {
  auto vm = hand_made_model().vms[0];
  vm.levels.reset();
  vm.nested.clear();
  for (auto& exit : vm.folded_exits)
    for (const auto* rare : {"vintr", "vmrun", "avic_incomplete_ipi", "vmgexit"})
      if (exit.reason == rare) exit.count = 0;
  vm.helpers = RoleTimes{};
  for (uint32_t role = 0; role < 3; role++) (*vm.helpers)[role] = {1, 1};
  vm.disk->done[FLOW_DISK_OTHER] = {};
  vm.interrupts->fill(0);
  for (uint32_t reason = 0; reason < 4; reason++) (*vm.interrupts)[reason] = 1;
  return vm;
}

struct Host {
  const char* name;
  VmFlow vm;
};

void PrintTo(const Host& host, std::ostream* os) {
  *os << host.name;
}

class SeriesCount : public testing::TestWithParam<Host> {};

TEST_P(SeriesCount, of_210_vms_with_329_vcpus_is_at_most_20000) {
  const auto model = large_host(GetParam().vm);
  uint64_t vcpus = 0;
  for (const auto& vm : model.vms) vcpus += vm.vcpus;
  ASSERT_EQ(vcpus, 329u);
  PrometheusPages pages({});
  const auto count = series_in(pages.next(model));
  fmt::print("{}: {} VMs, {} vCPUs: {} series of {}; left out:", GetParam().name, model.vms.size(),
             vcpus, count, pages.page().limit);
  for (const auto& metric : pages.page().left_out)
    fmt::print(" {} ({})", metric.metric, metric.series);
  const auto all = series_in(prometheus_text(model, {.most_series = 1'000'000}));
  fmt::print("; without a limit {}\n", all);

  EXPECT_LE(count, 20'000u);
  EXPECT_EQ(pages.page().series, count);
  // Nothing that tells a cause is given up, and what is left out is as much as was said.
  uint64_t left_out = 0;
  for (const auto& metric : pages.page().left_out) {
    left_out += metric.series - 1;
    const auto row = std::ranges::find(metric_catalog(), metric.metric, &Metric::name);
    ASSERT_NE(row, metric_catalog().end());
    EXPECT_GE(row->detail, MetricDetail::kVmDevices) << metric.metric;
  }
  EXPECT_EQ(count + left_out, all);
}

INSTANTIATE_TEST_SUITE_P(Hosts, SeriesCount,
                         testing::Values(Host{"usual", usual_vm()},
                                         Host{"everything", hand_made_model().vms[0]}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace vmflow::test
