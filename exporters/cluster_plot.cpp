// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/cluster_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "exporters/cluster_tables.h"
#include "exporters/html_text.h"

namespace vmflow {
namespace {

constexpr double kWidth = 900, kHeight = 520, kMargin = 34, kRadius = 4;
constexpr size_t kColours = 8, kMostPoints = 4000;
constexpr size_t kSmallGroup = 50;  // has all its points, however many others there are

/// Where a value lies between the least and the most, on a drawing.
class Axis {
 public:
  Axis(const std::vector<double>& values, double from, double to) : from_(from), to_(to) {
    const auto [least, most] = std::ranges::minmax(values);
    least_ = least;
    length_ = most - least;
  }
  double at(double value) const {
    return length_ > 0 ? from_ + (to_ - from_) * (value - least_) / length_ : (from_ + to_) / 2;
  }

 private:
  double from_, to_, least_ = 0, length_ = 0;
};

/// Shapes differ with every colour that comes again, so that neither tells alone.
std::string shape(size_t cluster, double x, double y, double r) {
  switch (cluster % 4) {
    case 0:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"", x, y, r);
    case 1:
      return fmt::format("<path d=\"M{:.1f} {:.1f}h{:.1f}v{:.1f}h{:.1f}z\"", x - r, y - r, 2 * r,
                         2 * r, -2 * r);
    case 2:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l{:.1f} {:.1f}h{:.1f}z\"", x, y - 1.2 * r,
                         1.2 * r, 2 * r, -2.4 * r);
    default:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l{:.1f} {:.1f}l{:.1f} {:.1f}l{:.1f} {:.1f}z\"", x,
                         y - 1.4 * r, 1.4 * r, 1.4 * r, -1.4 * r, 1.4 * r, -1.4 * r, -1.4 * r);
  }
}

bool is_drawn(const Clusters& all, size_t row, size_t step) {
  return row % step == 0 || all.clusters[all.cluster_of[row]].rows.size() <= kSmallGroup;
}

std::vector<bool> outliers_of(const Clusters& all) {
  std::vector<bool> outliers(all.table.rows.size());
  for (const auto& cluster : all.clusters)
    for (const auto& outlier : cluster.outliers) outliers[outlier.row] = true;
  return outliers;
}

std::string axis_text(std::string_view name, const std::string& words, double share) {
  return html_text(fmt::format("{} ({:.0f} % of all differences): {}", name, share * 100,
                               words.empty() ? "nothing" : words));
}

struct Axes {
  explicit Axes(const ClusterPlot& plot)
      : x(plot.x, kMargin, kWidth - kMargin), y(plot.y, kHeight - kMargin, kMargin) {}
  Axis x, y;
};

/// Each group's number, above the middle of its points.
std::string numbers(const Clusters& all, const Axes& axes) {
  constexpr double kAbove = 12;
  std::string out;
  for (const auto& cluster : all.clusters) {
    double x = 0, y = 0;
    for (const auto row : cluster.rows) {
      x += axes.x.at(all.plot.x[row]) / static_cast<double>(cluster.rows.size());
      y += axes.y.at(all.plot.y[row]) / static_cast<double>(cluster.rows.size());
    }
    out += fmt::format("<text class=\"group-name\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x,
                       y - kAbove, cluster.id);
  }
  return out;
}

std::string points(const Clusters& all, const Axes& axes) {
  const auto is_outlier = outliers_of(all);
  const size_t rows = all.table.rows.size(), step = (rows + kMostPoints - 1) / kMostPoints;
  std::string out;
  for (size_t row = 0; row < rows; row++) {
    if (!is_drawn(all, row, step) && !is_outlier[row]) continue;
    const auto cluster = all.cluster_of[row];
    out += shape(cluster, axes.x.at(all.plot.x[row]), axes.y.at(all.plot.y[row]), kRadius);
    out += fmt::format(" class=\"point {}{}\"><title>{}: group {}</title></{}>\n",
                       cluster_class(cluster), is_outlier[row] ? " outlier" : "",
                       html_text(row_name(all, row)), all.clusters[cluster].id,
                       cluster % 4 == 0 ? "circle" : "path");
  }
  return out;
}

}  // namespace

std::string cluster_class(size_t cluster) {
  return fmt::format("group-{}", cluster % kColours);
}

std::string cluster_mark(size_t cluster) {
  return fmt::format(
      "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">{} "
      "class=\"point {}\"/></svg>",
      shape(cluster, 8, 8, 5), cluster_class(cluster));
}

std::string clusters_plot(const Clusters& all) {
  const Axes axes(all.plot);
  return fmt::format(
      "<svg class=\"plot\" viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" aria-label=\"{2}\">\n"
      "<path class=\"axis-line\" d=\"M{3} {3}V{4}H{5}\"/>\n{6}</svg>\n"
      "<p class=\"note\">{7}</p>\n<p class=\"note\">{8}</p>\n",
      kWidth, kHeight,
      html_text("Each point is one; the nearer two points, the more alike they are. " +
                clusters_finding(all)),
      kMargin / 2, kHeight - kMargin / 2, kWidth - kMargin / 2,
      points(all, axes) + numbers(all, axes),
      axis_text("To the right", all.plot.x_words, all.plot.x_share),
      axis_text("Upwards", all.plot.y_words, all.plot.y_share));
}

}  // namespace vmflow
