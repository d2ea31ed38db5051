// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/metrics_md.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "analysis/exit_reason.h"
#include "analysis/metric_catalog.h"

namespace vmflow::test {
namespace {

TEST(MetricsMd, is_the_page_in_the_tree) {
  std::ifstream file(VMFLOW_SOURCE_DIR "/exporters/METRICS.md", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  // Not EXPECT_EQ: the two pages side by side would bury the command.
  EXPECT_TRUE(page == metrics_md())
      << "exporters/METRICS.md is stale; write it anew:\n"
         "  build/release/exporters/write_metrics_md > exporters/METRICS.md";
}

TEST(MetricsMd, has_a_section_for_every_metric) {
  const auto page = metrics_md();
  for (const auto& metric : metric_catalog())
    EXPECT_NE(page.find("### `" + std::string(metric.name) + "`\n"), std::string::npos)
        << metric.name;
}

TEST(MetricsMd, lists_the_exits_of_both_vendors) {
  const auto page = metrics_md();
  for (const auto vendor : {Vendor::kVmx, Vendor::kSvm})
    for (const auto& exit : named_exits(vendor))
      EXPECT_NE(page.find("| `" + std::string(exit.name) + "` | "), std::string::npos) << exit.name;
}

}  // namespace
}  // namespace vmflow::test
