// SPDX-License-Identifier: GPL-2.0-only
// vmflow cluster: from a table of features to groups of VMs that behave alike.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>

#include "agent/cli/command.h"
#include "agent/cli/output.h"
#include "agent/one_line.h"
#include "agent/sources/feature_file.h"
#include "analysis/clusters.h"
#include "exporters/cluster_html.h"
#include "exporters/cluster_json.h"
#include "exporters/cluster_text.h"

namespace vmflow {
namespace {

constexpr const char* kExamples = R"(
Examples:
  vmflow cluster features.csv                                    which VMs behave alike, and how they differ
  vmflow features | vmflow cluster --stages 2                    first by waits and states, then by exits
  vmflow cluster features.csv --format html --output groups.html one page with a drawing
  vmflow cluster a.csv b.csv --k 3 --coarse 'wait_*,disk_*'      several hosts, three groups, by these columns
  vmflow cluster features.json --each-window                     each window on its own: does a VM change its kind?

A table is CSV or JSON, as "vmflow features" writes it; "-" or no file: stdin. Columns that are the same for all VMs, or
not known for most, are left out, and named; other values that are not known count as their column's median.
The same table and seed give the same groups. Exit status: 0 done, 1 the tables cannot be read or hold nothing to
compare, 2 the command line is wrong.
)";

struct Order {
  std::vector<std::string> files;
  std::string format = "text";
  std::string output;
  uint32_t groups = 0;
  ClusterOptions options;
};

std::string in_format(const Clusters& clusters, const std::string& format) {
  if (format == "html") return clusters_html(clusters);
  if (format == "json") return clusters_json(clusters);
  return clusters_text(clusters);
}

int cluster(const Order& order) {
  if (order.options.stages == 1 && !order.options.fine.empty()) {
    fmt::print(stderr, "vmflow: --fine needs --stages 2\n");
    return kUsage;
  }
  const auto table = read_features(order.files, std::cin);
  if (!table) return fail(table.error().message);
  const auto clusters = cluster_vms(*table, order.options);
  if (!clusters.problem.empty()) return fail(one_line(clusters.problem));
  return write_out(in_format(clusters, order.format), order.output);
}

}  // namespace

std::function<int()> cluster_command(CLI::App& app, CLI::App*& chosen) {
  constexpr uint32_t kMostGroups = 64;
  chosen = app.add_subcommand("cluster", "group VMs that behave alike, from a table of features");
  chosen->footer(kExamples);
  auto order = std::make_shared<Order>();
  auto& options = order->options;
  chosen->add_option("FILE", order->files, "tables of features, CSV or JSON (stdin)");
  chosen
      ->add_option("--stages", options.stages, "1: all features at once; 2: coarse, then fine (1)")
      ->check(CLI::IsMember({1, 2}));
  auto* groups = chosen->add_option("--k", order->groups, "so many groups in the first stage")
                     ->check(CLI::Range(1u, kMostGroups));
  chosen
      ->add_option("--max-k", options.most_groups,
                   "at most so many groups in a stage, chosen by their silhouette (8)")
      ->check(CLI::Range(2u, kMostGroups))
      ->excludes(groups);
  chosen->add_option("--seed", options.seed, "what chance begins with (1)")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()));
  chosen
      ->add_option("--coarse", options.coarse,
                   "columns of the first stage, with * for anything (wait_*,*_ratio; of one stage "
                   "all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  chosen->add_option("--fine", options.fine, "columns of the second stage (exits_*)")
      ->delimiter(',')
      ->allow_extra_args(false);
  chosen->add_flag("--each-window", options.each_window,
                   "windows on their own, not the mean of each VM's");
  chosen->add_option("--format", order->format, "text, json or html (text)")
      ->check(CLI::IsMember({"text", "json", "html"}));
  chosen->add_option("--output", order->output, "the file to write (stdout)");
  return [order, groups] {
    if (groups->count() > 0) order->options.groups = order->groups;
    return cluster(*order);
  };
}

}  // namespace vmflow
