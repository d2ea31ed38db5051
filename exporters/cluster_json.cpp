// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/cluster_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

Json stage_json(const ClusterStage& stage) {
  Json tried = Json::array();
  for (const auto& each : stage.choice.tried)
    tried.push_back({{"groups", each.groups}, {"silhouette", each.silhouette}});
  return {{"within", stage.within.empty() ? Json() : Json(stage.within)},
          {"rows", stage.rows},
          {"columns", stage.columns},
          {"groups", stage.choice.grouping.groups},
          {"groups_given", stage.choice.is_given},
          {"told_apart", stage.choice.is_told},
          {"silhouette", stage.choice.silhouette},
          {"silhouette_needed", stage.choice.needed},
          {"tried", std::move(tried)}};
}

Json contrast_json(const Clusters& all, const FeatureContrast& contrast) {
  return {{"column", all.table.columns[contrast.column].name},
          {"median", contrast.here},
          {"others", contrast.others ? Json(*contrast.others) : Json()},
          {"apart", contrast.apart}};
}

Json outlier_json(const Clusters& all, const ClusterOutlier& outlier) {
  const auto& row = all.table.rows[outlier.row];
  return {{"row", outlier.row},
          {"host", row.host},
          {"vm", row.vm},
          {"name", row.name},
          {"times_usual_distance", outlier.times},
          {"column", all.table.columns[outlier.column].name},
          {"value", row.values[outlier.column]},
          {"group_median", outlier.group_value}};
}

Json row_json(const Clusters& all, size_t row) {
  const auto& its = all.table.rows[row];
  return {{"host", its.host},
          {"vm", its.vm},
          {"name", its.name},
          {"begin_seconds", its.begin_seconds},
          {"end_seconds", its.end_seconds},
          {"cluster", all.clusters[all.cluster_of[row]].id},
          {"distance", all.distance[row]},
          {"plot", {all.plot.x[row], all.plot.y[row]}}};
}

Json cluster_json(const Clusters& all, const VmCluster& cluster) {
  Json contrasts = Json::array(), outliers = Json::array();
  for (const auto& contrast : cluster.contrasts) contrasts.push_back(contrast_json(all, contrast));
  for (const auto& outlier : cluster.outliers) outliers.push_back(outlier_json(all, outlier));
  return {{"id", cluster.id},
          {"cause", cluster.cause},
          {"sentence", cluster.sentence},
          {"rows", cluster.rows},
          {"contrasts", std::move(contrasts)},
          {"outliers", std::move(outliers)}};
}

Json axis_json(const std::string& words, double share) {
  return {{"words", words}, {"share", share}};
}

}  // namespace

std::string clusters_json(const Clusters& all) {
  Json columns = Json::array(), dropped = Json::array(), stages = Json::array(),
       clusters = Json::array(), rows = Json::array();
  for (size_t i = 0; i < all.table.columns.size(); i++) {
    const auto& column = all.table.columns[i];
    columns.push_back({{"name", column.name},
                       {"unit", column.unit},
                       {"meaning", column.meaning},
                       {"used", std::ranges::binary_search(all.used, i)}});
  }
  for (const auto& column : all.dropped)
    dropped.push_back({{"name", column.name}, {"why", column.why}});
  for (const auto& stage : all.stages) stages.push_back(stage_json(stage));
  for (const auto& cluster : all.clusters) clusters.push_back(cluster_json(all, cluster));
  for (size_t row = 0; row < all.table.rows.size(); row++) rows.push_back(row_json(all, row));
  const Json json{{"schema", "vmflow_clusters"},
                  {"version", kClustersVersion},
                  {"seed", all.seed},
                  {"row_is", all.each_window ? "window" : "vm"},
                  {"notes", all.notes},
                  {"columns", std::move(columns)},
                  {"dropped", std::move(dropped)},
                  {"stages", std::move(stages)},
                  {"clusters", std::move(clusters)},
                  {"plot_axes",
                   {axis_json(all.plot.x_words, all.plot.x_share),
                    axis_json(all.plot.y_words, all.plot.y_share)}},
                  {"rows", std::move(rows)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vmflow
