// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/principal_components.h"

#include <libalglib/dataanalysis.h>

#include <algorithm>
#include <cmath>

namespace vmflow {
namespace {

using Index = alglib::ae_int_t;

std::vector<double> means_of(const PointSet& points) {
  std::vector<double> means(points.dimensions);
  for (size_t i = 0; i < points.size(); i++)
    for (size_t j = 0; j < points.dimensions; j++) means[j] += points.point(i)[j];
  for (auto& mean : means) mean /= static_cast<double>(points.size());
  return means;
}

// A component's sign is arbitrary: made the same everywhere.
void turn(std::vector<double>& direction) {
  const auto largest =
      std::ranges::max_element(direction, {}, [](double part) { return std::abs(part); });
  if (*largest < 0)
    for (auto& part : direction) part = -part;
}

PointSet along(const PointSet& points, const std::vector<std::vector<double>>& directions) {
  const auto means = means_of(points);
  PointSet moved{directions.size(), std::vector<double>(points.size() * directions.size())};
  for (size_t i = 0; i < points.size(); i++)
    for (size_t c = 0; c < directions.size(); c++) {
      double sum = 0;
      for (size_t j = 0; j < points.dimensions; j++)
        sum += (points.point(i)[j] - means[j]) * directions[c][j];
      moved.at[i * directions.size() + c] = sum;
    }
  return moved;
}

}  // namespace

PrincipalComponents principal_components(const PointSet& points) try {
  if (points.size() == 0) return {};
  const auto rows = static_cast<Index>(points.size()),
             columns = static_cast<Index>(points.dimensions);
  alglib::real_2d_array values, basis;
  alglib::real_1d_array variance;
  values.setcontent(rows, columns, points.at.data());
  Index info = 0;
  alglib::pcabuildbasis(values, rows, columns, info, variance, basis);
  if (info != 1) return {};
  PrincipalComponents result;
  double all = 0;
  for (Index i = 0; i < columns; i++) all += std::max(0.0, variance[i]);
  for (Index i = 0; i < columns; i++) {
    auto& direction = result.direction.emplace_back();
    for (Index j = 0; j < columns; j++) direction.push_back(basis[j][i]);
    turn(direction);
    result.share.push_back(all > 0 ? std::max(0.0, variance[i]) / all : 0);
  }
  result.points = along(points, result.direction);
  return result;
} catch (const alglib::ap_error&) {
  return {};
}

}  // namespace vmflow
