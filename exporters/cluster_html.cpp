// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/cluster_html.h"

#include <fmt/format.h>

#include "exporters/cluster_plot.h"
#include "exporters/cluster_tables.h"
#include "exporters/html_page.h"
#include "exporters/html_table.h"
#include "exporters/html_text.h"

namespace vmflow {
namespace {

constexpr size_t kMostMembers = 500;

std::string table_html(const ReportTable& table) {
  return table.sentence.empty() ? "" : html_table(table);
}

std::string header(const Clusters& all) {
  auto out = fmt::format(
      "<header>\n<p class=\"title\">vmflow groups of VMs</p>\n<h1 id=\"finding\">{}</h1>\n",
      html_text(clusters_finding(all)));
  if (!all.notes.empty()) {
    out += "<ul class=\"findings\">\n";
    for (const auto& note : all.notes) out += "<li>" + html_text(note) + "</li>\n";
    out += "</ul>\n";
  }
  return out + "</header>\n";
}

std::string cards(const Clusters& all) {
  std::string out =
      "<section aria-labelledby=\"h-groups\">\n<h2 id=\"h-groups\">The groups</h2>\n"
      "<ol class=\"vms\">\n";
  for (size_t i = 0; i < all.clusters.size(); i++) {
    const auto& cluster = all.clusters[i];
    out += fmt::format(
        "<li class=\"vm\">\n<h3>{}<a href=\"#group-{}\">Group {}</a> <span "
        "class=\"cause\">{}</span></h3>\n<p>{}</p>\n</li>\n",
        cluster_mark(i), i, cluster.id, html_text(cluster.cause), html_text(cluster.sentence));
  }
  return out + "</ol>\n</section>\n";
}

std::string details(const Clusters& all) {
  std::string out =
      "<section aria-labelledby=\"h-numbers\">\n<h2 id=\"h-numbers\">The numbers of each "
      "group</h2>\n";
  for (size_t i = 0; i < all.clusters.size(); i++) {
    const auto& cluster = all.clusters[i];
    out += fmt::format(
        "<details id=\"group-{}\"{}>\n<summary>{}Group {}: {}</summary>\n<p>{}</p>\n"
        "<div class=\"tables\">\n{}{}</div>\n</details>\n",
        i, i == 0 ? " open" : "", cluster_mark(i), cluster.id, html_text(cluster.cause),
        html_text(members_text(all, cluster, kMostMembers)),
        table_html(contrasts_table(all, cluster)), table_html(outliers_table(all, cluster)));
  }
  return out + "</section>\n";
}

}  // namespace

std::string clusters_html(const Clusters& all) {
  auto out = html_head("vmflow: " + clusters_finding(all), std::nullopt) + "<body>\n<main>\n";
  out += header(all) + cards(all);
  out += "<section aria-labelledby=\"h-plot\">\n<h2 id=\"h-plot\">All of them</h2>\n" +
         clusters_plot(all) + "</section>\n" + details(all);
  out +=
      "<section aria-labelledby=\"h-how\">\n<h2 id=\"h-how\">How they were found</h2>\n"
      "<div class=\"tables\">\n";
  return out + table_html(stages_table(all)) + table_html(dropped_table(all)) +
         "</div>\n</section>\n</main>\n</body>\n</html>\n";
}

}  // namespace vmflow
