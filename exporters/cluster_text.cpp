// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/cluster_text.h"

#include "exporters/cluster_tables.h"
#include "exporters/text_table.h"

namespace vmflow {
namespace {

constexpr size_t kIndent = 2, kMostMembers = 20;

std::string table_text(const ReportTable& table) {
  return table.sentence.empty() ? "" : text_table(table, kIndent);
}

}  // namespace

std::string clusters_text(const Clusters& all) {
  auto out = wrapped_text(clusters_finding(all), 0);
  for (const auto& note : all.notes) out += wrapped_text("- " + shown_text(note), 0);
  out += "\n";
  for (const auto& cluster : all.clusters) out += wrapped_text(cluster_title(cluster), 0);
  out += "\n";
  for (const auto& cluster : all.clusters) {
    out += wrapped_text("== Group " + cluster.id + ": " + cluster.cause, 0);
    out += wrapped_text(members_text(all, cluster, kMostMembers), 0) + "\n";
    out += table_text(contrasts_table(all, cluster)) + table_text(outliers_table(all, cluster));
  }
  out += "== How they were found\n";
  return out + table_text(stages_table(all)) + table_text(dropped_table(all));
}

}  // namespace vmflow
